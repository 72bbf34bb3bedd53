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
  } as const
  assert.equal(inputRecipe({ ...own, input_container: 'mkv' }).packaging, 'mkv')
  assert.equal(inputRecipe({ ...own, input_container: 'mp4' }).packaging, DEFAULT_RECIPE.packaging)
})
