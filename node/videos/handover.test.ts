import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import { chunk, output, plan, sha, submission } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { asPeerId, asToken } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, HANDOVER_MS, LEASE_MS } from '../../protocol/limits.ts'
import { handOver, heldAlone } from './handover.ts'

const [ME, LEADER] = [asPeerId('peer me'), asPeerId('peer leader')]

/** A ledger in which this peer has finished one chunk, and a clock that acts as it passes. */
async function finished(onSecond: (ledger: Ledger, second: number) => Promise<unknown> = async () => {}) {
  let now = 0
  const ledger = createLedgerModel({ now: () => now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const { video } = await ledger.submit(submission())
  await ledger.commitPlan(plan(video._id), 0)
  const task = chunk(video, 0)
  await ledger.insertTasks([task])
  const claim = await ledger.claimTask({ worker: ME, token: asToken('t'), task: task._id, from: 'pending' })
  assert.ok(claim.outcome === 'claimed')
  await ledger.complete({
    task: task._id,
    attempt: claim.attempt,
    worker: ME,
    output: { ...output('o'), holders: [ME] },
  })
  const clock = {
    mono: () => now,
    sleep: async (ms: number) => {
      now += ms
      await onSecond(ledger, now / 1000)
    },
  } as Clock
  return { ledger, clock, id: video._id, task: task._id, seconds: () => now / 1000 }
}

test('what only this peer holds is waited for until another holds it too', async () => {
  const { ledger, clock, task, seconds } = await finished(async (at, second) => {
    if (second === 7) await at.addTaskHolder((await at.tasks({ kinds: ['video'] }))[0]!._id, sha('o'), LEADER)
  })
  assert.equal(await heldAlone(ledger, ME), 1)
  assert.equal(await heldAlone(ledger, LEADER), 0)
  await handOver({ self: ME, ledger, clock })
  assert.equal(seconds(), 7)
  assert.deepEqual((await ledger.task(task))?.output?.holders.at(-1), LEADER)
})

test('of two drained peers that hold a chunk neither leaves before a third has it', async () => {
  const other = asPeerId('peer other')
  const { ledger, clock, task, seconds } = await finished(async (at, second) => {
    if (second === 5) await at.addTaskHolder(task, sha('o'), LEADER)
  })
  await ledger.addTaskHolder(task, sha('o'), other)
  assert.equal(await heldAlone(ledger, ME), 0)
  for (const peer of [ME, other]) await ledger.setPeer(peer, { draining: true })
  assert.deepEqual([await heldAlone(ledger, ME), await heldAlone(ledger, other)], [1, 1])
  await handOver({ self: ME, ledger, clock })
  assert.equal(seconds(), 5)
})

test('an ended video needs nothing, and without a peer that fetches the stay is bounded', async () => {
  const ended = await finished()
  await ended.ledger.cancel(ended.id)
  await handOver({ self: ME, ...ended })
  assert.equal(ended.seconds(), 0)
  const alone = await finished()
  await handOver({ self: ME, ...alone })
  assert.equal(alone.seconds(), HANDOVER_MS / 1000)
})

test('an unavailable ledger is asked again', async () => {
  const { ledger, clock, seconds } = await finished()
  const flaky: Ledger = {
    ...ledger,
    videos: async () => (seconds() < 3 ? Promise.reject(new LedgerUnavailable('away')) : []),
  }
  await handOver({ self: ME, ledger: flaky, clock })
  assert.equal(seconds(), 3)
})
