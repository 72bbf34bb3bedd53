import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../protocol/errors.ts'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { inputKey } from './input-package.ts'
import { inputRecipe } from './input-recipe.ts'

test('what is put into a watched folder gets the container of its settings', () => {
  const own = {
    input_ladder: undefined,
    input_renditions: ['480p'] as string[],
    input_preset: 'fast',
    input_crf: 20,
    input_strict: false,
    input_package_only: false,
    input_segments: false,
  } as const
  assert.equal(inputRecipe({ ...own, input_container: 'mkv' }).packaging, 'mkv')
  assert.equal(inputRecipe({ ...own, input_container: 'mp4' }).packaging, DEFAULT_RECIPE.packaging)
})

test('what is put into a watched folder gets the package of its settings, and it alone where they say so', () => {
  const own = {
    input_ladder: undefined,
    input_renditions: ['480p'] as string[],
    input_preset: 'fast',
    input_crf: 20,
    input_strict: false,
    input_container: 'mp4',
    input_package: ['hls', 'dash'] as ('hls' | 'dash')[],
  } as const
  const packageOf = (only: boolean, segments: boolean, formats: typeof own.input_package | undefined) =>
    inputRecipe({ ...own, input_package: formats, input_package_only: only, input_segments: segments }).package
  assert.equal(packageOf(false, false, undefined), undefined)
  assert.deepEqual(packageOf(false, false, own.input_package), { formats: ['hls', 'dash'] })
  assert.deepEqual(packageOf(true, true, own.input_package), { formats: ['hls', 'dash'], only: true, segments: true })
})

test('what is put into a watched folder is encrypted with the key of its settings, which come together and with a package', () => {
  const [input_hls_key, input_hls_key_url] = ['/keys/film.key', 'https://keys.example/film']
  const input_package = ['hls'] as const
  assert.equal(inputKey({ input_package }), undefined)
  assert.deepEqual(inputKey({ input_package, input_hls_key, input_hls_key_url }), {
    path: input_hls_key,
    url: input_hls_key_url,
  })
  const cbcs = { input_hls_encryption: 'cbcs' } as const
  assert.equal(inputKey({ input_package, input_hls_key, input_hls_key_url, ...cbcs })?.method, 'cbcs')
  for (const lacks of [
    { input_package, ...cbcs },
    { input_package, input_hls_key },
    { input_package, input_hls_key_url },
    { input_hls_key, input_hls_key_url },
  ])
    assert.throws(() => inputKey(lacks), UsageError)
})
