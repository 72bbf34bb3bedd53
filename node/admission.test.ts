import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB } from '../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../protocol/conformance/model/ledger-model.ts'
import { LedgerUnavailable } from '../protocol/errors.ts'
import type { RunningAttempt } from '../protocol/heartbeat.ts'
import { createHints } from '../protocol/hints.ts'
import { taskId, type VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS, NOTIFIED_GAP_MS } from '../protocol/limits.ts'
import type { HeardPeer } from '../protocol/peer-table.ts'
import { createAdmissionGate } from './admission.ts'

const ATTEMPT = { task: taskId('0123456789abcdef' as VideoId, 'merge'), attempt: 1, done: 0, speed: 0 }

function stage() {
  const at = { now: 1_000_000 }
  const model = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const world = {
    isAway: false,
    freeBytes: 1e12,
    hasFailedSelfTest: false,
    areSettled: true,
    running: [] as RunningAttempt[],
    others: [] as HeardPeer[],
    releases: 0,
    events: [] as string[],
  }
  const ledger: Pick<Ledger, 'peer' | 'now'> = {
    async peer(id) {
      if (world.isAway) throw new LedgerUnavailable('no answer')
      return model.peer(id)
    },
    now: model.now,
  }
  const hints = createHints()
  const gate = createAdmissionGate(
    { self: ANN, name: 'ann' },
    {
      ledger,
      store: { room: async () => ({ freeBytes: world.freeBytes, totalBytes: 1e12 }) },
      clock: { now: () => at.now, mono: () => at.now, sleep: async () => {}, timer: () => () => {} },
      hints,
      peers: { get: () => undefined, all: () => world.others },
      attempts: {
        running: () => world.running,
        areSettled: () => world.areSettled,
        releaseAll: () => world.releases++,
      },
      breakers: { hasFailedSelfTest: () => world.hasFailedSelfTest },
      emit: async ({ code }) => void world.events.push(code),
    },
  )
  const change = async (given: Parameters<Ledger['setPeer']>[1]) => {
    await model.setPeer(ANN, given)
    at.now += NOTIFIED_GAP_MS
    hints.publish({ what: 'peers', video: null })
    await new Promise(setImmediate)
  }
  return { at, model, world, gate, change }
}

test('nothing stands against a peer that is well; its state says whether it works', async () => {
  const { world, gate } = stage()
  assert.deepEqual(
    [await gate.mayClaim('encode'), await gate.mayClaim('control'), await gate.mayLead()],
    [null, null, null],
  )
  assert.equal(gate.state(), 'idle')
  world.running = [ATTEMPT]
  assert.equal(gate.state(), 'working')
  // It waits where all that it runs waits: for an input, say.
  world.running = [{ ...ATTEMPT, waits: true }]
  assert.equal(gate.state(), 'waiting')
  world.running.push(ATTEMPT)
  assert.equal(gate.state(), 'working')
  world.running = [ATTEMPT]
})

test('a pause releases what runs once, at the hint, and stops claims and leading until it ends', async () => {
  const { world, gate, change } = stage()
  gate.start()
  await change({ paused: true })
  assert.equal(world.releases, 1)
  assert.deepEqual([await gate.mayClaim('encode'), await gate.mayClaim('control')], ['paused', 'paused'])
  assert.equal(await gate.mayLead(), 'paused')
  assert.equal(gate.state(), 'paused')
  await change({ paused: false })
  assert.equal(await gate.mayClaim('encode'), null)
  assert.equal(world.releases, 1)
})

test('a drain ends once the results of all that ran are written', async () => {
  const { world, gate, change } = stage()
  gate.start()
  let isDrained = false
  void gate.drained.then(() => {
    isDrained = true
  })
  world.areSettled = false
  await change({ draining: true })
  assert.equal(await gate.mayClaim('control'), 'draining')
  assert.equal(isDrained, false)
  world.areSettled = true
  await gate.mayClaim('control')
  await new Promise(setImmediate)
  assert.equal(isDrained, true)
})

test('a quarantine stops encodes only, until its time is over', async () => {
  const { at, model, gate } = stage()
  await model.quarantine(ANN, { ms: 60_000, quarantines: 1, reason: 'it fails chunks', seen: null })
  assert.deepEqual([await gate.mayClaim('encode'), await gate.mayClaim('control')], ['quarantined', null])
  assert.deepEqual([gate.state(), await gate.mayLead()], ['quarantined', null])
  at.now += 60_001
  assert.equal(await gate.mayClaim('encode'), null)
})

test('a full disk stops claims and leading; it is raised once, and once when there is room again', async () => {
  const { world, gate } = stage()
  world.freeBytes = 0
  for (let asked = 0; asked < 3; asked++) assert.equal(await gate.mayClaim('control'), 'disk_full')
  assert.equal(await gate.mayLead(), 'disk full')
  world.freeBytes = 1e12
  assert.equal(await gate.mayClaim('control'), null)
  assert.deepEqual(world.events, ['disk_full', 'disk_has_room'])
})

test('a failed self-test stops leading only where another peer could lead', async () => {
  const { at, world, gate } = stage()
  world.hasFailedSelfTest = true
  assert.equal(await gate.mayLead(), null)
  assert.equal(gate.state(), 'self_test_failed')
  const beat = { roles: ['coordinator'], state: 'idle' } as unknown as HeardPeer['beat']
  world.others = [{ peer: BOB, beat, heard_mono: at.now }]
  assert.match((await gate.mayLead()) ?? '', /self-test/)
})

test('an unavailable ledger stops claims and never leading; a closed gate stops both for good', async () => {
  const { world, gate } = stage()
  world.isAway = true
  assert.equal(await gate.mayClaim('encode'), 'ledger_away')
  assert.deepEqual([gate.state(), await gate.mayLead()], ['ledger_away', null])
  world.isAway = false
  gate.close()
  assert.deepEqual(
    [await gate.mayClaim('encode'), await gate.mayClaim('control'), gate.state()],
    ['leaving', 'leaving', 'leaving'],
  )
})
