/** Backups of a peer that runs more attempts than its heartbeat names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { ANN, BOB, CAT, chunk, claim, output, theTask, videoIn } from '../../protocol/ledger-conformance/world.ts'
import { createLedgerModel } from '../../protocol/ledger-model.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { TermContext } from '../duty.ts'
import { createBackup } from './backup.ts'

const beat = (of: Partial<Heartbeat>) =>
  ({ state: 'working', slots: 1, busy: 1, running: [], ...of }) as unknown as Heartbeat

/** Whether a backup of Bob's second chunk is wanted, of which he said nothing for three times as long as his first took. */
async function isWanted(bob: Partial<Heartbeat>): Promise<boolean> {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING')
  const tasks = [chunk(video, 0), chunk(video, 1)]
  await ledger.insertTasks(tasks)
  const first = await claim(ledger, await theTask(ledger, tasks[0]!._id), BOB)
  at.now += 10_000
  await ledger.complete({ task: first._id, attempt: first.attempt, worker: BOB, output: output('first') })
  const second = await claim(ledger, await theTask(ledger, tasks[1]!._id), BOB)
  at.now += 30_000
  const heard = [
    { peer: BOB, beat: beat(bob), heard_mono: at.now },
    { peer: CAT, beat: beat({ busy: 0 }), heard_mono: at.now },
  ]
  const context = {
    self: ANN, ledger, log: silentLog, term: 1, hint: () => {}, clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: (peer: string) => heard.find((each) => each.peer === peer), all: () => heard },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  await createBackup(context).round(new AbortController().signal)
  return (await theTask(ledger, second._id)).backup_wanted
}

test('an attempt that its worker does not name is late, unless its heartbeat had no room for it', async () => {
  assert.equal(await isWanted({}), true)
  assert.equal(await isWanted({ untold: 3 }), false)
})
