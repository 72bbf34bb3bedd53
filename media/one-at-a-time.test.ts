import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { VideoFacts } from '../protocol/plan.ts'
import { DEFAULT_ENCODING, ladderOf } from '../protocol/recipe.ts'
import type { Rendition } from '../protocol/rendition.ts'
import { isOneAtATime, type OneFilm } from './one-at-a-time.ts'

const video = { width: 1920, height: 1080, sample_aspect: [1, 1], rotation: 0 } as unknown as VideoFacts
const renditions = (heights: readonly number[], change: Partial<Rendition> = {}) =>
  ladderOf(heights, { ...DEFAULT_ENCODING, ...change })

const film = (change: Partial<OneFilm> = {}, of = renditions([480, 720])): OneFilm => ({
  isAlone: true,
  seconds: 60,
  video,
  recipe: { renditions: of, upscale: false },
  ...change,
})

it('encodes a long film on a machine of its own one chunk at a time', () => {
  assert.equal(isOneAtATime(film()), true)
  assert.equal(isOneAtATime(film({ isAlone: false })), false, 'others may come')
  assert.equal(isOneAtATime(film({ seconds: 32 })), false, 'a short film is cut where two slots end soonest')
})

it('encodes two chunks at once where one encode leaves a core idle', () => {
  assert.equal(isOneAtATime(film({}, renditions([480, 720], { preset: 'veryfast' }))), false, 'decoding is one thread')
  assert.equal(isOneAtATime(film({}, renditions([480]))), false)
  const capped = renditions([480, 720], { rate: { crf: 23, maxrate_kbps: 1_000 } })
  assert.equal(isOneAtATime(film({}, capped)), false, 'these have one thread')
  const mixed = renditions([720]).concat(renditions([480], { codec: 'vp9', preset: '5' }))
  assert.equal(isOneAtATime(film({}, mixed)), false)
})
