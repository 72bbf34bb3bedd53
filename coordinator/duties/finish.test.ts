/** What a round over many open videos asks for, and what it makes of strikes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import {
  ANN,
  BOB,
  CAT,
  chunk,
  claim,
  peer,
  TERM,
  theTask,
  theVideo,
  videoIn,
} from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { createHints } from '../../protocol/hints.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import type { TermContext } from '../duty.ts'
import { createFinish } from './finish.ts'

function stage() {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const asked = { calls: 0, tasks: 0 }
  const watched: Ledger = {
    ...ledger,
    tasks: async (query) => {
      const found = await ledger.tasks(query)
      asked.calls++
      asked.tasks += found.length
      return found
    },
  }
  const context = {
    self: ANN, ledger: watched, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(), connected: () => [], capability: null,
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: () => undefined, all: () => [] },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createFinish(context)
  return { ledger, asked, round: () => duty.round(new AbortController().signal) }
}

async function failedBy(ledger: Ledger, task: Task['_id'], who: string): Promise<void> {
  const { attempt } = await claim(ledger, await theTask(ledger, task), peer(who))
  const failure = { code: 'encode_failed', message: `${who} cannot`, log: null, strike: true, backoff_ms: 0 } as const
  await ledger.fail({ task, attempt, worker: peer(who), ...failure })
}

test('a round reads no task that only waits, however many videos are open, and asks once for those that failed', async () => {
  const { ledger, asked, round } = stage()
  for (let n = 0; n < 20; n++) {
    const video = await videoIn(ledger, 'RUNNING')
    await ledger.insertTasks(Array.from({ length: 5 }, (_, n) => chunk(video, n)))
    if (n === 0) await failedBy(ledger, chunk(video, 0)._id, 'Bob')
  }
  await round()
  assert.deepEqual(asked, { calls: 1, tasks: 1 })
})

test('strikes of enough peers, or a task that is FAILED already, end the video with the sentence', async () => {
  const { ledger, round } = stage()
  const [struck, torn] = [await videoIn(ledger, 'RUNNING'), await videoIn(ledger, 'RUNNING')]
  await ledger.insertTasks([chunk(struck, 0), chunk(torn, 0)])
  for (const who of [ANN, BOB]) await failedBy(ledger, chunk(struck, 0)._id, who)
  // A leader died between the two writes.
  await failedBy(ledger, chunk(torn, 0)._id, CAT)
  await ledger.failTask(chunk(torn, 0)._id, { strikes: 1, term: TERM })
  await round()
  assert.equal((await theVideo(ledger, struck._id)).status, 'RUNNING')
  assert.equal((await theVideo(ledger, torn._id)).status, 'FAILED')
  await failedBy(ledger, chunk(struck, 0)._id, CAT)
  await round()
  const { status, failure } = await theVideo(ledger, struck._id)
  assert.equal(status, 'FAILED')
  assert.match(failure ?? '', /^film: chunk 0 at 480p failed permanently: .* cannot$/)
})
