import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AUDIO_CODECS, type AudioRendition, audioRenditionSchema, CHANNEL_COUNTS } from './audio-rendition.ts'
import { canonicalRecipe, DEFAULT_RECIPE, ladderOf, PRESETS, type Recipe, recipeSchema } from './recipe.ts'
import { bySize, type Rendition } from './rendition.ts'

const cap = fc.option(fc.record({ maxrate_kbps: fc.integer({ min: 1 }), bufsize_kb: fc.integer({ min: 1 }) }))
const rendition: fc.Arbitrary<Rendition> = fc.record({
  id: fc.stringMatching(/^[0-9][a-z0-9.-]{0,31}$/),
  box: fc.record({ width: fc.integer({ min: 16, max: 8_192 }), height: fc.integer({ min: 16, max: 8_192 }) }),
  codec: fc.constantFrom('h264', 'hevc'),
  rate: fc
    .tuple(fc.oneof(fc.record({ crf: fc.nat(51) }), fc.record({ kbps: fc.integer({ min: 1, max: 90_000 }) })), cap)
    .map(([aim, capped]) => ({ ...aim, ...capped })),
  preset: fc.constantFrom(...PRESETS),
  bit_depth: fc.constantFrom(8 as const, 10 as const),
  profile: fc.constantFrom('main', 'high'),
})
const plain: fc.Arbitrary<Recipe> = fc.record({
  version: fc.constant(2 as const),
  renditions: fc
    .uniqueArray(rendition, { selector: ({ id }) => id, minLength: 1, maxLength: 4 })
    .map((all) => all.sort(bySize)),
  upscale: fc.boolean(),
  keyframe_s: fc.integer({ min: 1, max: 10 }),
  audio_kbps: fc.integer({ min: 16, max: 256 }),
  packaging: fc.constantFrom('mp4' as const, 'mkv' as const),
})
/** Any of what may be given of an audio rendition, in which nothing contradicts. */
const sound: fc.Arbitrary<AudioRendition> = fc
  .record({
    codec: fc.constantFrom(...AUDIO_CODECS),
    channels: fc.option(fc.constantFrom(...CHANNEL_COUNTS), { nil: undefined }),
    kbps: fc.option(fc.integer({ min: 16, max: 256 }), { nil: undefined }),
    languages: fc.option(fc.array(fc.constantFrom('de', 'eng', 'pt-BR', 'und'), { minLength: 1 }), { nil: undefined }),
  })
  .map(({ codec, channels, kbps, languages }) => ({
    codec,
    ...(languages && { languages }),
    ...(codec !== 'copy' && channels && { channels, ...(kbps && { kbps: kbps * channels }) }),
  }))
const recipe: fc.Arbitrary<Recipe> = fc
  .tuple(plain, fc.option(fc.array(sound, { minLength: 1, maxLength: 8 })))
  .map(([one, audio]) => ({ ...one, ...(audio && { audio }) }))
/** The same document with its keys the other way round, at every depth. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, one]) => [key, turned(one)]),
  )
}

describe('a recipe', () => {
  test('is one string whatever the order of its keys and renditions, and whatever else stands beside them', () => {
    fc.assert(
      fc.property(recipe, (one) => {
        const other = turned({ ...one, renditions: [...one.renditions].reverse() }) as object
        assert.equal(canonicalRecipe({ ...other, name: 'not part of it' } as unknown as Recipe), canonicalRecipe(one))
      }),
    )
  })
  test('is another string when any choice differs', () => {
    fc.assert(
      fc.property(recipe, recipe, (one, two) => {
        const same = JSON.stringify(turned(one)) === JSON.stringify(turned(two))
        assert.equal(canonicalRecipe(one) === canonicalRecipe(two), same)
      }),
    )
  })
  test('is read by its schema as it was written', () => {
    fc.assert(fc.property(recipe, (one) => assert.deepEqual(recipeSchema.parse(one), structuredClone(one))))
  })
  test('of nothing is the default one, with the smallest rendition first', () => {
    assert.deepEqual(recipeSchema.parse({}), DEFAULT_RECIPE)
    assert.deepEqual(
      DEFAULT_RECIPE.renditions.map(({ id, box }) => `${id} ${box.width}x${box.height}`),
      ['480p 854x480', '720p 1280x720', '1080p 1920x1080'],
    )
    const [large, small] = [...ladderOf([1080, 333])].reverse()
    assert.deepEqual(recipeSchema.parse({ renditions: [large, small] }).renditions, [small, large])
    assert.deepEqual(recipeSchema.parse({ renditions: ['1080p', '333p'] }).renditions, [small, large])
  })
  test('with a rendition that cannot be is refused: its id, its box, its rate, or two of one id', () => {
    const [good] = DEFAULT_RECIPE.renditions
    for (const wrong of [
      { ...good, id: 'audio' },
      { ...good, id: 'merge' },
      { ...good, id: '1080P' },
      { ...good, id: '../x' },
      { ...good, id: '' },
      { ...good, box: { width: 1, height: 1 } },
      { ...good, rate: { crf: 23, kbps: 100 } },
      { ...good, rate: { crf: 23, maxrate_kbps: 100 } },
      { ...good, rate: {} },
      { ...good, bit_depth: 9 },
    ])
      assert.equal(recipeSchema.safeParse({ renditions: [wrong] }).success, false, JSON.stringify(wrong))
    assert.equal(recipeSchema.safeParse({ renditions: [good, good] }).success, false)
    assert.equal(recipeSchema.safeParse({ renditions: [] }).success, false)
    assert.equal(recipeSchema.safeParse({ version: 1 }).success, false)
  })
  test('with an audio rendition that cannot be is refused, in words that say why', () => {
    for (const [wrong, why] of [
      [{ codec: 'mp3' }, /aac/],
      [{ codec: 'aac', channels: 3 }, /must be 1, 2, 6 or 8/],
      [{ codec: 'aac', kbps: 128 }, /give channels too/],
      [{ codec: 'opus', channels: 2, kbps: 31 }, /32 to 512 for 2 channels/],
      [{ codec: 'copy', channels: 2 }, /leave out channels and kbps/],
      [{ codec: 'aac', languages: ['German!'] }, /such as deu/],
      [{ codec: 'aac', languages: [] }, /1/],
      [{ codec: 'aac', sample_rate: 44_100 }, /sample_rate/],
    ] as const)
      assert.match(audioRenditionSchema.safeParse(wrong).error?.issues[0]?.message ?? '', why, JSON.stringify(wrong))
    assert.equal(recipeSchema.safeParse({ audio: [] }).success, false)
  })
  test('with a field that there is not is refused: what was meant would be left out in silence', () => {
    const [good] = DEFAULT_RECIPE.renditions
    assert.equal(recipeSchema.safeParse({ preset: 'fast' }).success, false)
    assert.equal(recipeSchema.safeParse({ renditions: [{ ...good, grain: 2 }] }).success, false)
  })
  test('has not changed its string: the ids of known videos hang on it', () => {
    const one = { ...DEFAULT_RECIPE, renditions: ladderOf([480]) }
    assert.equal(
      canonicalRecipe(one),
      '{"version":2,"renditions":[{"id":"480p","box":{"width":854,"height":480},"codec":"h264","rate":{"crf":23},"preset":"medium","bit_depth":8}],"upscale":false,"keyframe_s":3,"audio_kbps":64,"packaging":"mp4"}',
    )
  })
})
