/** Faults of a database while eight processes work on it, each defined once and tried for a short and a long time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CROWD_TASKS } from '../../ledger/crowd.fixture.ts'
import type { Mongod } from '../../testing/tools/mongod.ts'

/** Claims that outlive the longest outage here: what was claimed before it is completed after it. */
export const CLAIM_MS = 4_000
/** With these, the fewest tasks there are last longer than three elections. */
export const WORK_MS = CROWD_TASKS < 1_000 ? 200 : 0

/** Connections stay open and nothing answers. */
export async function freezeAll(mongod: Mongod, ms: number): Promise<void> {
  for (const member of mongod.members) member.freeze()
  await sleep(ms)
  for (const member of mongod.members) member.thaw()
}

/** A power cut, and the same server again. */
export async function powerCut(mongod: Mongod, ms: number): Promise<void> {
  await mongod.kill()
  await sleep(ms)
  await mongod.start()
}

/** Of three members: the primary steps down, the next one is killed and comes back, the one after that freezes and thaws. */
export async function threeElections(mongod: Mongod): Promise<void> {
  await (await mongod.primary()).stepDown()
  await sleep(2_000)
  const killed = await mongod.primary()
  await killed.kill()
  await mongod.primary()
  await sleep(1_000)
  await mongod.start()
  const frozen = await mongod.primary()
  frozen.freeze()
  try {
    await sleep(6_000)
  } finally {
    frozen.thaw()
  }
  await mongod.primary()
}
