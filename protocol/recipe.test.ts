import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RESOLUTIONS } from './ids.ts'
import { canonicalRecipe, DEFAULT_RECIPE, PRESETS, type Recipe } from './recipe.ts'

const recipe: fc.Arbitrary<Recipe> = fc.record({
  version: fc.constant(1 as const),
  renditions: fc.subarray([...RESOLUTIONS], { minLength: 1 }),
  codec: fc.constantFrom('h264' as const, 'hevc' as const),
  preset: fc.constantFrom(...PRESETS),
  crf: fc.nat(51),
  upscale: fc.boolean(),
  keyframe_s: fc.integer({ min: 1, max: 10 }),
  audio_kbps: fc.integer({ min: 16, max: 320 }),
  packaging: fc.constant('mp4' as const),
})

describe('a recipe', () => {
  test('is one string whatever the order of its keys and rungs, and whatever else stands beside them', () => {
    fc.assert(
      fc.property(recipe, (one) => {
        const turned = Object.fromEntries(
          Object.entries({ ...one, renditions: [...one.renditions].reverse() }).reverse(),
        )
        assert.equal(canonicalRecipe({ ...turned, name: 'not part of it' } as unknown as Recipe), canonicalRecipe(one))
      }),
    )
  })
  test('is another string when any choice differs', () => {
    fc.assert(
      fc.property(recipe, recipe, (one, two) => {
        const same = (Object.keys(one) as (keyof Recipe)[]).every((key) => String(one[key]) === String(two[key]))
        assert.equal(canonicalRecipe(one) === canonicalRecipe(two), same)
      }),
    )
  })
  test('has not changed its string: the ids of known videos hang on it', () => {
    assert.equal(
      canonicalRecipe(DEFAULT_RECIPE),
      '{"version":1,"renditions":["480p","720p","1080p"],"codec":"h264","preset":"medium","crf":23,"upscale":false,"keyframe_s":3,"audio_kbps":64,"packaging":"mp4"}',
    )
  })
})
