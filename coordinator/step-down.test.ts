import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../protocol/clock.ts'
import { ANN, BOB } from '../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../protocol/conformance/model/ledger-model.ts'
import { CLAIM_MS, LEASE_MS } from '../protocol/limits.ts'
import { createStepDown } from './step-down.ts'

function stage() {
  const at = { now: 1_000_000 }
  const clock = { mono: () => at.now, now: () => at.now } as Clock
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  return { at, ledger, stepDowns: createStepDown({ self: ANN }, { clock, ledger }) }
}

test('a peer that stepped down does not run while another leads, for 30 s', async () => {
  const { at, ledger, stepDowns } = stage()
  assert.equal(await stepDowns.reason(), null)
  stepDowns.stepDown('a reason')
  await ledger.acquireLease(BOB, 'nonce')
  for (let second = 0; second < 30; second++) {
    assert.equal(await stepDowns.reason(), 'a reason', `${second} s`)
    at.now += 1_000
    await ledger.renewLease(BOB, 1)
  }
  assert.equal(await stepDowns.reason(), null)
})

test('where no peer takes the lease it leads again, and its reason to step down no longer counts', async () => {
  const { at, ledger, stepDowns } = stage()
  assert.equal(stepDowns.stepDown('a reason'), true)
  at.now += LEASE_MS - 1
  assert.equal(await stepDowns.reason(), 'a reason')
  at.now += 1
  assert.equal(await stepDowns.reason(), null)
  await ledger.acquireLease(ANN, 'nonce')
  assert.equal(await stepDowns.reason(), null)
  assert.equal(stepDowns.stepDown('another reason'), false)
  for (let second = 0; second < 24; second++) {
    at.now += 1_000
    await ledger.renewLease(ANN, 1)
    assert.equal(await stepDowns.reason(), null, `${second} s`)
  }
})
