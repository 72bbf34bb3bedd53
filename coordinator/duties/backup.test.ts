/** Stragglers whose backup ended without a result, and attempts of unknown progress. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import {
  ANN,
  BOB,
  CAT,
  chunk,
  claim,
  output,
  theTask,
  token,
  videoIn,
} from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { TermContext } from '../duty.ts'
import { createBackup } from './backup.ts'

const TERM = 2

/** Ann has been at a chunk for 20 s, where a fresh attempt takes one; Bob and Cat have nothing to do. `ann`: her heartbeat. */
async function slowChunk(ann?: Partial<Heartbeat>) {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING')
  const [quick, slow] = [chunk(video, 0), chunk(video, 1)]
  await ledger.insertTasks([quick, slow])
  const { attempt } = await claim(ledger, await theTask(ledger, quick._id), BOB)
  at.now += 1_000
  await ledger.complete({ task: quick._id, attempt, worker: BOB, output: output('quick') })
  await claim(ledger, await theTask(ledger, slow._id), ANN)
  at.now += 20_000
  const running: Heartbeat['running'] = [{ task: slow._id, attempt: 1, done: 0.1 }] as unknown as Heartbeat['running']
  const heard = (peer: PeerId, beat: Partial<Heartbeat>) => ({
    peer,
    beat: { slots: 1, busy: 0, state: 'idle', running: [], ...beat } as unknown as Heartbeat,
    heard_mono: at.now,
  })
  const all = () => [heard(ANN, { busy: 1, ...(ann ?? { running }) }), heard(BOB, {}), heard(CAT, {})]
  const context = {
    self: ANN, ledger, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(),
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: (peer: PeerId) => all().find((one) => one.peer === peer), all },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createBackup(context)
  const backUp = async (worker: PeerId) => {
    const ask = { worker, token: token(`backup of ${worker}`), task: slow._id, from: 'backup' } as const
    const got = await ledger.claimTask(ask)
    return got.outcome === 'claimed' ? got.attempt : null
  }
  return { at, ledger, slow: slow._id as TaskId, round: () => duty.round(new AbortController().signal), backUp }
}

test('a slow attempt whose backup was released gets another', async () => {
  const { ledger, slow, round, backUp } = await slowChunk()
  await round()
  assert.equal(await backUp(BOB), 2)
  await ledger.release({ task: slow, attempt: 2, worker: BOB })
  await round()
  assert.equal(await backUp(CAT), 3)
})

test('after a backup that failed, the next one waits as long as that failure asks', async () => {
  const { at, ledger, slow, round, backUp } = await slowChunk()
  await round()
  assert.equal(await backUp(BOB), 2)
  const failure = { code: 'encode_failed', message: 'no', log: null, strike: true, backoff_ms: 5_000 } as const
  await ledger.fail({ task: slow, attempt: 2, worker: BOB, ...failure })
  await round()
  assert.equal(await backUp(CAT), null)
  at.now += 5_000
  await round()
  assert.equal(await backUp(CAT), 3)
})

test('an attempt that its worker does not name is late, unless its heartbeat had no room for it', async () => {
  const isWanted = async (ann: Partial<Heartbeat>) => {
    const { ledger, slow, round } = await slowChunk(ann)
    await round()
    return (await theTask(ledger, slow)).backup_wanted
  }
  assert.equal(await isWanted({}), true)
  assert.equal(await isWanted({ unlisted: 3 }), false)
})
