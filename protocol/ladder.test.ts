import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ladderSchema, recipeOf, textOf } from './ladder.ts'
import { builtInLadders } from './ladders.ts'
import { canonicalRecipe, DEFAULT_RECIPE } from './recipe.ts'

const rendition = { id: '720p', box: '1280x720', codec: 'h264', crf: 23, preset: 'medium' }
const why = (text: unknown): string => ladderSchema.safeParse(text).error?.issues[0]?.message ?? 'is right'

describe('a ladder', () => {
  test('is read as it was written, and written as it was read', () => {
    for (const [name, ladder] of Object.entries(builtInLadders()))
      assert.deepEqual(ladderSchema.parse(textOf(ladder)), ladder, name)
  })

  test('has keyframes of its own, 8 bits and no profile where it says nothing, and its smallest box first', () => {
    const large = { ...rendition, id: 'large', box: '3840x2160', preset: 8, bit_depth: 10, profile: 'main' }
    const { keyframe_s, renditions } = ladderSchema.parse({ keyframe_s: 2, renditions: [large, rendition] })
    assert.equal(keyframe_s, 2)
    assert.deepEqual(renditions, [
      {
        id: '720p',
        box: { width: 1280, height: 720 },
        codec: 'h264',
        rate: { crf: 23 },
        preset: 'medium',
        bit_depth: 8,
      },
      {
        ...{ id: 'large', box: { width: 3840, height: 2160 }, codec: 'h264', rate: { crf: 23 } },
        ...{ preset: '8', profile: 'main', bit_depth: 10 },
      },
    ])
  })

  test('is refused with a rate that contradicts itself', () => {
    const { crf: _, ...without } = rendition
    const of = (more: object) => why({ renditions: [{ ...without, ...more }] })
    assert.equal(of({}), 'needs crf or kbps')
    assert.equal(of({ crf: 20, kbps: 900 }), 'cannot stand beside crf: use one of them')
    assert.equal(of({ kbps: 900, maxrate_kbps: 1200 }), 'needs bufsize_kb beside it')
    assert.equal(of({ kbps: 900, bufsize_kb: 1200 }), 'needs maxrate_kbps beside it')
    assert.equal(of({ kbps: 900, maxrate_kbps: 1200, bufsize_kb: 1200 }), 'is right')
  })

  test('makes a recipe: with the default one the same video as without a ladder', () => {
    assert.equal(canonicalRecipe(recipeOf(builtInLadders()['default']!)), canonicalRecipe(DEFAULT_RECIPE))
    const { keyframe_s, audio, upscale } = recipeOf(builtInLadders()['web']!, { ...DEFAULT_RECIPE, upscale: true })
    assert.deepEqual([keyframe_s, audio, upscale], [2, [{ codec: 'aac', channels: 2, kbps: 128 }], true])
  })
})

test('the caps of the built-in ladders rise with the size, and a buffer is a second of its cap', () => {
  for (const [name, { renditions }] of Object.entries(builtInLadders())) {
    for (const some of Map.groupBy(renditions, ({ codec }) => codec).values()) {
      const caps = some.map(({ rate }) => rate.maxrate_kbps ?? 0)
      assert.deepEqual(
        caps,
        caps.toSorted((a, b) => a - b),
        name,
      )
    }
    for (const { rate } of renditions) assert.equal(rate.bufsize_kb, rate.maxrate_kbps, name)
  }
})
