import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Capability, canDo, formatClass, formatKindClass, parseClass } from './capability.ts'

const word = fc.stringMatching(/^[a-z0-9]{1,10}$/)
const videoClass = fc.record({
  decoder: word,
  filters: fc.uniqueArray(word, { maxLength: 4 }),
  encoder: word,
  rendition: fc.constantFrom('480p', '333p', '1080p-av1', 'x.y-z'),
})
const all: Capability = {
  decoders: ['h264', 'hevc10'],
  filters: ['zscale'],
  encoders: ['x264', 'x265-199'],
  renditions: ['720p', '1080p'],
  kinds: ['audio'],
}

describe('a class', () => {
  test('is read as it was written; the same needs are the same word', () => {
    fc.assert(
      fc.property(videoClass, (needs) => {
        const text = formatClass(needs)
        assert.deepEqual(parseClass(text), { ...needs, filters: [...needs.filters].sort() })
        assert.equal(formatClass({ ...needs, filters: [...needs.filters].reverse() }), text)
      }),
    )
    assert.equal(
      formatClass({ decoder: 'hevc10', filters: ['zscale'], encoder: 'x264', rendition: '720p' }),
      'hevc10+zscale>x264/720p',
    )
  })
  test('is done by peers whose self-test passed every part of it', () => {
    for (const wanted of ['h264>x264/1080p', 'hevc10+zscale>x265-199/720p', 'audio'])
      assert.equal(canDo(all, wanted), true, wanted)
    assert.equal(canDo({ ...all, encoders: ['opus'] }, formatKindClass('audio', ['opus'])), true)
    const less: [string, Partial<Capability>][] = [
      ['h264>x264/1080p', { decoders: ['hevc10'] }],
      ['h264>x264/1080p', { encoders: ['x265-199'] }],
      ['h264>x264/1080p', { renditions: ['480p'] }],
      ['hevc10+zscale>x264/720p', { filters: [] }],
      ['audio', { kinds: [] }],
      ['audio+opus', {}],
      ['audio+opus', { kinds: [], encoders: ['opus'] }],
    ]
    for (const [wanted, lacks] of less) assert.equal(canDo({ ...all, ...lacks }, wanted), false, wanted)
  })
  test('that is unknown is declined: another family, rendition or kind', () => {
    assert.equal(canDo({ ...all, renditions: 'all' }, 'h264>x264/4320p'), true)
    for (const unknown of [
      'hevc10>x265-216/720p',
      'h264>x264/4320p',
      'ingest',
      'merge',
      'package',
      '',
      'h264',
      'h264>x264/1080p\n',
    ]) {
      assert.equal(canDo(all, unknown), false, unknown)
    }
    fc.assert(fc.property(fc.string(), (text) => assert.equal(typeof canDo(all, text), 'boolean')))
  })
})
