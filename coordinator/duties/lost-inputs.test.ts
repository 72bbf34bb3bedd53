/** When an input counts as lost, and what the leader does about it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { ANN, BOB, CAT, chunk, claim, theTask, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import { createHints } from '../../protocol/hints.ts'
import { type PeerId, taskId } from '../../protocol/ids.ts'
import { CLAIM_MS, INPUT_LOST_AFTER_MS, LEASE_MS, LOST_AFTER_MS, SILENCE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { createLostInputs, type LostInputsContext } from './lost-inputs.ts'

/** A RUNNING video whose ingest is done, with a chunk that Ann holds; `holders` of its source. The leader is Cat. */
async function stage(holders: PeerId[]) {
  const at = { now: 1_000_000 }
  const mesh = { reachable: [CAT, BOB], has: [] as PeerId[] }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING', { source: { sha256: 'a'.repeat(64) as never, bytes: 1, holders } })
  const ingest = await theTask(ledger, taskId(video._id, 'ingest'))
  const { attempt } = await claim(ledger, ingest, ANN)
  await ledger.complete({ task: ingest._id, attempt, worker: ANN, output: null })
  const task = chunk(video, 0)
  await ledger.insertTasks([task])
  const context = {
    self: CAT,
    term: 1,
    ledger,
    clock: { mono: () => at.now } as Clock,
    emit: createEmitter({ ledger, log: silentLog }),
    hints: createHints(),
    openVideos: { count: () => 1 },
    store: { find: async () => null },
    exchange: { whoHas: async () => ({ has: mesh.has, lacks: [] }) },
    reachable: () => mesh.reachable,
  } as unknown as LostInputsContext
  const duty = createLostInputs(context)
  const pass = async (ms: number) => {
    for (const end = at.now + ms; at.now < end; at.now += SILENCE_MS) await duty.round(new AbortController().signal)
  }
  const ingestIs = async () => (await theTask(ledger, ingest._id)).status
  return { ledger, mesh, task, pass, ingestIs }
}

test('an input that only an absent peer holds is cut again soon, where a reachable peer has the source', async () => {
  const { pass, ingestIs, ledger } = await stage([ANN, BOB])
  await pass(INPUT_LOST_AFTER_MS)
  assert.equal(await ingestIs(), 'COMPLETED')
  await pass(2 * SILENCE_MS)
  assert.equal(await ingestIs(), 'PENDING')
  assert.ok((await ledger.events(10)).some(({ what }) => what === 'blob_lost'))
})

test('it is waited for where nobody else has the source, and not at all once every holder lacks it', async () => {
  const { pass, ingestIs } = await stage([ANN])
  await pass(LOST_AFTER_MS - SILENCE_MS)
  assert.equal(await ingestIs(), 'COMPLETED')
  await pass(3 * SILENCE_MS)
  assert.equal(await ingestIs(), 'PENDING')
  const other = await stage([ANN])
  await other.ledger.removeInputHolder(other.task._id, other.task.input!.sha256, ANN)
  await other.pass(SILENCE_MS)
  assert.equal(await other.ingestIs(), 'PENDING')
})

test('a peer that fetched it early becomes its holder', async () => {
  const { pass, ingestIs, mesh, ledger, task } = await stage([BOB])
  mesh.has = [BOB]
  await pass(INPUT_LOST_AFTER_MS + 2 * SILENCE_MS)
  assert.deepEqual((await theTask(ledger, task._id)).input?.holders, [ANN, BOB])
  assert.equal(await ingestIs(), 'COMPLETED')
})
