/** Shows that the simulation finds bugs: every deliberate fault is noticed by some seed, which is quiet without it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SABOTAGES } from './sabotage.ts'
import { runSeed } from './simulation.ts'
import type { Circumstances } from './world.ts'

/** Seeds that are known to notice quickly; others are tried where the product has changed what they mean. */
const KNOWN: Readonly<Record<string, number>> = {
  'claims never run out': 28,
  'a lost attempt is renewed': 5,
  'claims do not ask who is present': 5,
  'a reclaim ends claims that were made since': 23,
  'the fence is ignored': 20,
  'a superseded attempt is answered done': 11,
  'a finished task is committed again': 4,
  'inserting a task twice starts it again': 21,
  'the sweep repairs nothing': 19,
  'a cancelled video keeps its tasks': 5,
  'a retry revives nothing': 8,
  'a quarantined peer goes on': 7,
  'nobody is quarantined': 11,
  'a backup is handed out that nobody wanted': 56,
  'corrupt blobs are not noticed': 2,
}
const SEEDS_TRIED = 150
/** Time without faults after which a mesh without progress fails the run. */
const FINISH_MS = 180_000

/** What seeds without a fault violate; several faults are tried in the same ones. */
const quiet = new Map<Circumstances | undefined, Map<number, readonly string[]>>()
async function plainly(seed: number, circumstances: Circumstances | undefined): Promise<readonly string[]> {
  const known = quiet.get(circumstances) ?? new Map<number, readonly string[]>()
  quiet.set(circumstances, known)
  const violations = known.get(seed) ?? (await runSeed(seed, circumstances && { circumstances })).violations
  known.set(seed, violations)
  return violations
}

describe('the simulation notices when', () => {
  for (const [promise, sabotage] of Object.entries(SABOTAGES)) {
    it(promise, async (t) => {
      const known = KNOWN[promise] ?? 1
      const seeds = [known, ...Array.from({ length: SEEDS_TRIED }, (_, at) => at + 1).filter((seed) => seed !== known)]
      for (const seed of seeds) {
        const { circumstances } = sabotage
        const { ok, violations } = await runSeed(seed, {
          sabotage,
          finishMs: FINISH_MS,
          ...(circumstances && { circumstances }),
        })
        if (ok) continue
        t.diagnostic(`seed ${seed}: ${violations[0]}`)
        assert.deepEqual(await plainly(seed, circumstances), [], 'and is quiet without it')
        return
      }
      assert.fail(`none of ${SEEDS_TRIED} seeds noticed it`)
    })
  }
})
