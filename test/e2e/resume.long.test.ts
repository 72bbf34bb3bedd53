/** kill -9 of every process at 20 random moments of a run, and started again: the same bytes each time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folder } from '../../testing/tools/folder.ts'
import { assertFinished, hashes, killAllAfter, places, runToTheEnd } from './resume.ts'

const KILLS = 20

test(`a video is finished with the same bytes after all its processes were killed, at ${KILLS} moments`, async (t) => {
  const undisturbed = places(await folder(t))
  const { seconds } = await runToTheEnd(undisturbed)
  const wanted = await hashes(undisturbed)
  const seed = Number(process.env.REELMESH_TEST_SEED ?? 1)
  for (let at = 0; at < KILLS; at++) {
    // Spread over the whole run, jittered by the seed: the replay command is REELMESH_TEST_SEED=<seed>.
    const ms = ((at + (((at + 1) * seed * 0.618) % 1)) / KILLS) * seconds * 1000
    await t.test(`killed after ${Math.round(ms)} ms (seed ${seed})`, async (inner) => {
      let place = places(await folder(inner))
      // A run that was quicker than the undisturbed one must not count as killed: it is tried again, earlier.
      for (let killMs = ms; !(await killAllAfter(place, killMs)); killMs *= 0.7) place = places(await folder(inner))
      await runToTheEnd(place)
      await assertFinished(place, wanted)
    })
  }
  assert.equal(Object.keys(wanted).length, 3)
})
