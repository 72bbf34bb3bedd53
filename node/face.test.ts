/** A submit through the operations of a node may name one of its ladders. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../protocol/errors.ts'
import { asPeerId } from '../protocol/ids.ts'
import { builtInLadders } from '../protocol/ladders.ts'
import { DEFAULT_RECIPE, type Recipe } from '../protocol/recipe.ts'
import { createFace, type FaceModules } from './face.ts'

test('a ladder by name stands instead of renditions, keyframes and sound of the recipe, and an unknown one is refused', async () => {
  const recipes: Recipe[] = []
  const mine = { ...builtInLadders()['default']!, keyframe_s: 5 }
  const face = createFace(
    { self: asPeerId(`12D3KooW${'a'.repeat(44)}`), ladders: { mine }, webhook_allow_private: false },
    {
      status: {},
      async submit({ recipe }: { recipe: Recipe }) {
        recipes.push(recipe)
        return { video: { _id: 'x', name: 'film', status: 'QUEUED' }, outcome: 'created' }
      },
    } as unknown as FaceModules,
  )
  const recipe: Recipe = { ...DEFAULT_RECIPE, upscale: true }
  const submit = (ladder?: string) =>
    face.submit({ path: '/a', recipe, ladder, priority: 0, deadline: null, out: null, signal: AbortSignal.abort() })
  await submit('web')
  await submit('mine')
  await submit()
  assert.deepEqual(
    recipes.map(({ upscale, keyframe_s }) => [upscale, keyframe_s]),
    [
      [true, 2],
      [true, 5],
      [true, 3],
    ],
  )
  assert.deepEqual([recipes[0]?.renditions.length, recipes[0]?.audio?.[0]?.kbps], [5, 128])
  await assert.rejects(
    submit('none'),
    (error) => error instanceof UsageError && /only mine, default/.test(error.message),
  )
})
