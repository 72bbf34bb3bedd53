/** Peers that claim and never finish, whatever they tell, and peers that claim more than they have slots for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { ANN, BOB, CAT, chunk, claim, output, theTask, videoIn } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { createHints } from '../../protocol/hints.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { LEASE_MS, QUARANTINE_CHECK_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { TermContext } from '../duty.ts'
import { createOverdue } from './overdue.ts'

const TERM = 2
const CHUNKS = 8

/** Bob completes a chunk in a second; then Ann, who has `slots`, claims `held` others. Cat leads. */
async function stage({ slots, held }: { slots: number; held: number }) {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: 3_600_000, leaseMs: LEASE_MS })
  const video = await videoIn(ledger, 'RUNNING')
  const chunks = Array.from({ length: CHUNKS }, (_, n) => chunk(video, n))
  await ledger.insertTasks(chunks)
  const task = async (n: number) => theTask(ledger, chunks[n]!._id)
  const complete = async (n: number, worker: PeerId, ms: number) => {
    const { attempt } = await claim(ledger, await task(n), worker)
    at.now += ms
    await ledger.complete({ task: chunks[n]!._id, attempt, worker, output: output(`of ${n}`) })
  }
  await complete(0, BOB, 1_000)
  for (let n = 1; n <= held; n++) {
    at.now++
    await claim(ledger, await task(n), ANN)
  }
  const ann: { done: (s: number) => number | null; isHeard: boolean } = { done: () => null, isHeard: true }
  const began = at.now
  const beat = async (): Promise<Heartbeat> => {
    const done = ann.done((at.now - began) / 1000)
    const mine = await ledger.tasks({ worker: ANN })
    const running = done === null ? [] : mine.map(({ _id, attempt }) => ({ task: _id, attempt, done, speed: 1 }))
    return { slots, busy: slots, state: 'working', name: 'ann', running } as unknown as Heartbeat
  }
  let heard: { peer: PeerId; beat: Heartbeat; heard_mono: number }[] = []
  const context = {
    self: CAT, ledger, log: silentLog, emit: createEmitter({ ledger, log: silentLog }), term: TERM, hints: createHints(),
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: (peer: PeerId) => heard.find((one) => one.peer === peer), all: () => heard },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createOverdue(context)
  const run = async (seconds: number) => {
    for (const end = at.now + seconds * 1000; at.now < end; at.now += QUARANTINE_CHECK_MS) {
      if (ann.isHeard) heard = [{ peer: ANN, beat: await beat(), heard_mono: at.now }]
      await duty.round(new AbortController().signal)
    }
  }
  const heldNow = async () => (await ledger.tasks({ worker: ANN })).map(({ chunk_id }) => chunk_id)
  const quarantine = async () => (await ledger.peer(ANN)).quarantined_until !== null
  return { at, ledger, ann, run, heldBy: heldNow, quarantine, complete, task }
}

for (const [what, done] of [
  ['tells nothing', () => null],
  ['always says that it is nearly done', () => 0.9999],
  ['says the same all the time', () => 0.4],
] as const)
  test(`a peer that ${what} loses its claims by the clock, and is quarantined after three chunks`, async () => {
    const { ann, run, heldBy, quarantine, ledger } = await stage({ slots: 3, held: 3 })
    ann.done = done
    await run(110)
    assert.deepEqual([await heldBy(), await quarantine()], [[1, 2, 3], false])
    await run(30)
    assert.deepEqual([await heldBy(), await quarantine()], [[], true])
    assert.match((await ledger.peer(ANN)).reason ?? '', /stood still at 3 chunks in a row/)
  })

test('one that only tells how slow it is, or is not heard, keeps its claims', async () => {
  const slow = await stage({ slots: 3, held: 3 })
  slow.ann.done = (s) => s / 2_000
  await slow.run(1_900)
  const mute = await stage({ slots: 3, held: 3 })
  mute.ann.isHeard = false
  await mute.run(1_000)
  for (const { heldBy, quarantine } of [slow, mute])
    assert.deepEqual([await heldBy(), await quarantine()], [[1, 2, 3], false])
})

test('one that completes chunks in between is not quarantined', async () => {
  const { run, heldBy, quarantine, complete, ledger, task } = await stage({ slots: 3, held: 2 })
  await run(140)
  await complete(4, ANN, 1_000)
  await claim(ledger, await task(5), ANN)
  await run(140)
  assert.deepEqual([await heldBy(), await quarantine()], [[], false])
})

test('the newest claims beyond the slots that a peer tells are ended, after a while', async () => {
  const { ann, run, heldBy } = await stage({ slots: 2, held: 5 })
  ann.done = (s) => s / 2_000
  await run(20)
  assert.deepEqual(await heldBy(), [1, 2, 3, 4, 5])
  await run(20)
  assert.deepEqual(await heldBy(), [1, 2])
})
