/** What a new leader does about claims of those who are not there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { ANN, BOB, CAT, claim, pendingTask, theTask } from '../../protocol/ledger-conformance/world.ts'
import { createLedgerModel } from '../../protocol/ledger-model.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { TermContext } from '../duty.ts'
import { createMembership } from './membership.ts'

const TERM = 2
/** Since the last heartbeat of the leader before this one: its lease had to run out first. */
const SILENT_MS = LEASE_MS

test('it takes back at once what the leader before it was on, whose loss it saw, and waits for whom it has not met', async () => {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const ofTheOld = await claim(ledger, await pendingTask(ledger), BOB)
  const ofUnknown = await claim(ledger, await pendingTask(ledger), CAT)
  const old = { beat: { state: 'idle', name: 'Bob' } as Heartbeat, heard_mono: at.now - SILENT_MS }
  const context = {
    self: ANN, ledger, log: silentLog, term: TERM, hint: () => {}, resign: () => {}, connected: () => [],
    clock: { mono: () => at.now, now: () => at.now } as Clock,
    peers: { get: (peer: string) => (peer === BOB ? old : undefined), all: () => [{ peer: BOB, ...old }] },
    suspicions: {
      reportsOf: (peer: string) => (peer === BOB ? [SILENT_MS] : []),
      sawLost: (peer: string) => (peer === BOB ? 'closed' : null),
      stalledAgoMs: () => null,
    },
  } as unknown as TermContext // biome-ignore format: what the duty uses of it
  const duty = createMembership(context)
  const { signal } = new AbortController()

  await duty.round(signal)
  assert.equal((await theTask(ledger, ofTheOld._id)).status, 'PENDING')
  assert.equal((await theTask(ledger, ofUnknown._id)).status, 'PROCESSING')
  for (let passed = 0; passed < 12_000; passed += 500) {
    at.now += 500
    await duty.round(signal)
  }
  assert.equal((await theTask(ledger, ofUnknown._id)).status, 'PENDING')
})
