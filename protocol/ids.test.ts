import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  asSha256,
  isPeerId,
  isSha256,
  isTaskId,
  isVideoId,
  partOf,
  taskId,
  type VideoId,
  videoId,
  videoOf,
} from './ids.ts'

const video = '00112233445566aa' as VideoId
const source = asSha256('ab'.repeat(32))

describe('ids', () => {
  test('the same bytes and recipe are the same video, others are not', () => {
    const id = videoId(source, '{"crf":23}')
    assert.equal(id, videoId(source, '{"crf":23}'))
    assert.ok(isVideoId(id))
    assert.notEqual(id, videoId(source, '{"crf":24}'))
    assert.notEqual(id, videoId(asSha256('cd'.repeat(32)), '{"crf":23}'))
  })
  test('a task’s id names its video and its part, and sorts as it lies in the film', () => {
    const part = fc.constantFrom('480p', '333p', '1080p-av1', 'x'.repeat(32), 'audio', 'ingest')
    fc.assert(
      fc.property(part, fc.nat(99_999), fc.nat(99_999), (name, a, b) => {
        const [one, two] = [taskId(video, name, a), taskId(video, name, b)]
        assert.ok(isTaskId(one))
        assert.equal(videoOf(one), video)
        assert.equal(partOf(one), name)
        assert.equal(Math.sign(a - b), one < two ? -1 : one > two ? 1 : 0)
      }),
    )
  })
  test('a chunk number that would break that order is a bug', () => {
    for (const bad of [-1, 100_000, 1.5, Number.NaN]) assert.throws(() => taskId(video, '480p', bad), RangeError)
  })
  test('guards take only what is exactly so', () => {
    assert.ok(isPeerId('12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'))
    for (const bad of [
      '',
      'peer',
      '12D3KooW',
      '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU50A',
      '../../etc/passwd',
    ])
      assert.equal(isPeerId(bad), false)
    for (const bad of ['AB'.repeat(32), 'ab'.repeat(31), `${'ab'.repeat(32)}\n`, '']) assert.equal(isSha256(bad), false)
    for (const bad of [
      `${video}/480p/0001`,
      `${video}/-360p/00001`,
      `${video}/${'x'.repeat(33)}/00001`,
      `${video}//00001`,
      `${video}/480p/00001/x`,
      `../${video}/480p/00001`,
      video,
    ])
      assert.equal(isTaskId(bad), false)
    for (const newer of ['package', '4320p-vvc']) assert.ok(isTaskId(`${video}/${newer}/00001`))
    assert.throws(() => asSha256('x'.repeat(500)), /not a sha256: x{80}$/)
  })
})
