import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rankOf } from './plan.ts'
import { boxOfHeight, heightOf, isRenditionId } from './rendition.ts'

test('a short name asks for a 16:9 box of so many lines', () => {
  assert.deepEqual([480, 720, 1080, 333, 2160].map(boxOfHeight), [
    { width: 854, height: 480 },
    { width: 1280, height: 720 },
    { width: 1920, height: 1080 },
    { width: 592, height: 333 },
    { width: 3840, height: 2160 },
  ])
  assert.deepEqual(['480p', '333p', '2160p', '15p', '0480p', '480', '480P', '9999p', 'p'].map(heightOf), [
    480,
    333,
    2160,
    null,
    null,
    null,
    null,
    null,
    null,
  ])
})

test('an id is 1 to 32 plain characters and no task kind', () => {
  for (const good of ['1080p', '1080p-av1', '4k.hdr', 'a', 'x'.repeat(32)]) assert.ok(isRenditionId(good), good)
  for (const bad of ['', '-a', '.a', 'A', 'a/b', 'a b', 'x'.repeat(33), 'audio', 'ingest', 'merge', 'video'])
    assert.equal(isRenditionId(bad), false, bad)
})

test('claims go in film order, the dearest rendition of a chunk first, two of one cost by id', () => {
  const rendition = (id: string, cost: number) => ({ id, cost }) as Parameters<typeof rankOf>[1]
  const renditions = [rendition('480p', 0.4), rendition('1080p', 2), rendition('1080p-hevc', 9), rendition('b', 2)]
  const order = renditions
    .flatMap((each) =>
      [0, 1, 9].map((chunk) => ({ what: `${chunk} ${each.id}`, rank: rankOf({ renditions }, each, chunk) })),
    )
    .sort((a, b) => a.rank - b.rank)
    .map(({ what }) => what)
  assert.deepEqual(
    order,
    [0, 1, 9].flatMap((chunk) => ['1080p-hevc', '1080p', 'b', '480p'].map((id) => `${chunk} ${id}`)),
  )
})
