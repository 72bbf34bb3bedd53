/** Two minutes of chaos with one seed, as `npm run chaos -- --minutes 2 --seed 1` has them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { render } from './report.ts'
import { runChaos } from './run.ts'

test('two minutes of chaos break no promise', async (t) => {
  const result = await runChaos({ minutes: 2, seed: 1, print: (line) => t.diagnostic(line) })
  for (const line of render(result).split('\n')) t.diagnostic(line)
  assert.deepEqual(result.violations, [])
  assert.ok(result.videos.completed > 0 && result.samples.length > 0, 'nothing was hurt: the test tests nothing')
})
