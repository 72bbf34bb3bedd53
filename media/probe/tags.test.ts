import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notesOf } from '../../protocol/plan.ts'
import { settled } from './parts.ts'
import { fileTags } from './tags.ts'

const read = (tags: Readonly<Record<string, string>>, creation_time = '') =>
  fileTags({ tags }, { index: 0, tags: { creation_time } })

test('tags of a phone are those of MP4', () => {
  const { tags, fates } = read({
    'com.apple.quicktime.location.ISO6709': '+48.1371+011.5754+520.000/',
    'com.apple.quicktime.creationdate': '2021-07-01T10:00:00+0200',
    'com.apple.quicktime.make': 'Apple',
    'com.apple.quicktime.model': 'iPhone',
    'com.apple.quicktime.software': '15.1',
  })
  assert.deepEqual(tags, {
    location: '+48.1371+011.5754+520.000/',
    date: '2021-07-01T10:00:00+0200',
    creation_time: '2021-07-01T08:00:00.000Z',
  })
  assert.deepEqual(notesOf(fates), [
    'The tags com.apple.quicktime.make and com.apple.quicktime.model of the file are left out: MP4 has no place for them.',
  ])
})

test('the name itself counts before another name of the same, whatever the order', () => {
  const { tags, fates } = read({ performer: 'Bob', artist: 'Ann', 'title-eng': 'T', title: 'T', year: '1999' })
  assert.deepEqual(tags, { artist: 'Ann', title: 'T', date: '1999' })
  assert.deepEqual(notesOf(fates), ['The tag performer of the file is left out: MP4 has no place for it.'])
})

test('what ffmpeg would write wrongly is left out: bad numbers, places and times', () => {
  const { tags } = read({ track: 'two', season_number: '1', location: 'Munich', creation_time: '1970-01-01T00:00:00Z' })
  assert.deepEqual(tags, { season_number: '1' })
})

test('a time without a zone is UTC on every host; the picture’s own time stands in for the file’s', () => {
  assert.deepEqual(read({ creation_time: '2020-02-03 04:05:06' }).tags, { creation_time: '2020-02-03T04:05:06.000Z' })
  const { tags } = read({}, '2020-02-03T04:05:06.000000Z')
  assert.deepEqual(tags, { creation_time: '2020-02-03T04:05:06.000Z' })
})

test('what names the build is no part of a result, and has no note', () => {
  const { tags, fates } = read({ encoder: 'Lavf', encoding_tool: 'x', major_brand: 'isom', DURATION: '1' })
  assert.deepEqual([tags, notesOf(fates)], [{}, []])
  assert.equal(fates.length, 4)
})

test('values are well-formed text without control characters, and bounded, each and together', () => {
  const { tags } = read({ title: 'a\u0000b\u009fc', comment: 'one\r\ntwo\ud800', lyrics: '😀'.repeat(4000) })
  assert.equal(tags['title'], 'a b c')
  assert.equal(tags['comment'], 'one\ntwo\ufffd')
  assert.equal(tags['lyrics'], '😀'.repeat(2048))
  const keys = ['title', 'artist', 'album', 'genre', 'comment', 'lyrics', 'synopsis', 'show', 'network', 'keywords']
  const all = read(Object.fromEntries(keys.map((key) => [key, key.repeat(10_000)])))
  assert.ok(Object.values(all.tags).join('').length <= 32_768)
  assert.equal(notesOf(all.fates).length, 9)
})

test('thousands of tags are one fate more than are read, and thousands of fates three more than are listed', () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`key${at}`, 'x']))
  const { fates } = read(many)
  assert.equal(fates.length, 201)
  assert.ok(notesOf(fates).includes('4800 more tags of the file are left out: no more than 200 are read.'))
  const left = Array.from({ length: 5000 }, (_, at) => ({ part: `tag ${at}`, fate: 'left_out', note: null }) as const)
  const bound = settled(left)
  assert.deepEqual(
    [bound.length, notesOf(bound)],
    [1001, ['4000 more parts of the source are left out: too many to name.']],
  )
})

test('Ogg has the tags of the file in the stream of its picture', () => {
  const { tags, fates } = fileTags(
    { format_name: 'ogg' },
    { index: 0, tags: { title: 'T', language: 'eng', foo: 'x' } },
  )
  assert.deepEqual(tags, { title: 'T' })
  assert.deepEqual(
    fates.map(({ part, fate }) => [part, fate]),
    [
      ['tag title of stream 0', 'kept'],
      ['tag foo of stream 0', 'left_out'],
    ],
  )
})

test('of two fates of one part the later one holds', () => {
  const early = { part: 'stream 1', fate: 'converted', note: null } as const
  const late = { part: 'stream 1', fate: 'left_out', note: 'No decoder.' } as const
  assert.deepEqual(settled([early, late]), [late])
})
