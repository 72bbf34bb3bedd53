import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_RECIPE } from '../protocol/recipe.ts'
import { inputRecipe } from './input-recipe.ts'

test('what is put into a watched folder gets the container of its settings', () => {
  const own = {
    input_ladder: undefined,
    input_renditions: ['480p'] as string[],
    input_preset: 'fast',
    input_crf: 20,
    input_strict: false,
    input_package_only: false,
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
  assert.deepEqual(inputRecipe({ ...own, input_package: undefined, input_package_only: false }).package, undefined)
  assert.deepEqual(inputRecipe({ ...own, input_package_only: false }).package, { formats: ['hls', 'dash'] })
  assert.deepEqual(inputRecipe({ ...own, input_package_only: true }).package, { formats: ['hls', 'dash'], only: true })
})
