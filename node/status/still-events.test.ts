/** When a peer says that videos stand still, that they move again, and that the ledger did not answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { watchAnswers } from './ledger-watch.ts'
import { createStillEvents } from './still-events.ts'

const FILM = '0123456789abcdef' as VideoId
const rowOf = (id: VideoId, name: string, still: VideoRow['still']) => ({ id, name, still }) as unknown as VideoRow
const ledgerAt = (at: { now: number }) => createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
/** Each look at the clock finds it a second later. */
let mono = 0
const parts = (ledger: ReturnType<typeof createLedgerModel>) => ({
  self: ANN,
  ledger,
  clock: { mono: () => (mono += 1_000) },
  ledgerWatch: { outage: () => null },
  isFirst: () => false,
})

test('each stillness is an event once for its reason, and so is its end; a peer that does not lead says nothing', async () => {
  const at = { now: 1_000_000 }
  const ledger = ledgerAt(at)
  const emit = createEmitter({ ledger, log: silentLog })
  const state: { still: VideoRow['still']; leads: boolean } = { still: null, leads: true }
  const stillness = async () => [rowOf(FILM, 'film', state.still)]
  const leader = () => createStillEvents({ ...parts(ledger), emit, leads: () => state.leads, stillness })
  const waits = (peer: typeof ANN, text: string): VideoRow['still'] => ({
    code: 'source_absent',
    peers: [peer],
    since: at.now,
    text,
  })
  const texts = async () => (await ledger.events(50)).map(({ text }) => text)
  const round = leader()
  await round()
  state.still = waits(ANN, 'waits for ann, silent for 3 s')
  await round()
  state.still = waits(ANN, 'waits for ann, silent for 5 s')
  await round()
  const first = 'film makes no progress: waits for ann, silent for 3 s'
  assert.deepEqual(await texts(), [first])
  state.still = waits(BOB, 'waits for bob')
  await round()
  assert.deepEqual(await texts(), [first, 'film makes no progress: waits for bob'])
  // The next leader reads that it stands still, and says when it moves.
  state.leads = false
  state.still = null
  await round()
  assert.equal((await texts()).length, 2)
  state.leads = true
  at.now += 60_000
  const next = leader()
  await next()
  await next()
  assert.deepEqual((await texts()).slice(2), ['film makes progress again after 60 s'])
})

test('a queue is one event for all that begin to wait, and a long step is one of its own', async () => {
  const ledger = ledgerAt({ now: 0 })
  const emit = createEmitter({ ledger, log: silentLog })
  const queued = { code: 'queued', peers: [], since: 0, text: 'waits behind 1 other video' } as const
  const working = { code: 'working', peers: [], since: 0, text: 'nas reads and cuts the source' } as const
  const ids = Array.from({ length: 4 }, (_, n) => `000000000000000${n}` as VideoId)
  let rows = ids.map((id, n) => rowOf(id, `film-${n}`, n === 0 ? working : queued))
  const round = createStillEvents({ ...parts(ledger), emit, leads: () => true, stillness: async () => rows })
  const texts = async () => (await ledger.events(50)).map(({ what, text }) => `${what}: ${text}`)
  await round()
  await round()
  const first = [
    'waits: film-0 makes no progress: nas reads and cuts the source',
    'waits: film-1 and 2 more make no progress: film-1 waits behind 1 other video',
  ]
  assert.deepEqual(await texts(), first)
  rows = ids.map((id, n) => rowOf(id, `film-${n}`, null))
  await round()
  const moves = (await texts()).slice(2)
  assert.deepEqual(moves, [
    'moves: film-0 makes progress again after 0 s',
    'moves: film-1 makes progress again after 0 s',
  ])
})

test('however many hints come, a few videos are looked at once a second', async () => {
  const at = { now: 0, looks: 0 }
  const ledger = ledgerAt(at)
  const stillness = async () => {
    at.looks++
    return [rowOf(FILM, 'film', null)]
  }
  const emit = createEmitter({ ledger, log: silentLog })
  const given = { ...parts(ledger), clock: { mono: () => at.now }, emit, leads: () => true, stillness }
  const round = createStillEvents(given)
  for (; at.now < 3_000; at.now += 250) await round()
  assert.equal(at.looks, 3)
})

test('where nobody leads the first peer says it, and no other', async () => {
  const at = { now: 1_000_000 }
  const ledger = ledgerAt(at)
  const emit = createEmitter({ ledger, log: silentLog })
  const still = { code: 'no_leader', peers: [], since: 0, text: 'no peer leads' } as const
  const round = (isFirst: boolean) =>
    createStillEvents({
      ...parts(ledger),
      emit,
      leads: () => false,
      isFirst: () => isFirst,
      stillness: async () => [rowOf(FILM, 'film', still)],
    })()
  await round(false)
  await ledger.acquireLease(BOB, 'nonce')
  await round(true)
  assert.equal((await ledger.events(50)).length, 0)
  at.now += LEASE_MS + 1
  await round(true)
  assert.deepEqual(
    (await ledger.events(50)).map(({ text }) => text),
    ['film makes no progress: no peer leads'],
  )
})

test('the leader says once how long the ledger did not answer', async () => {
  const ledger = ledgerAt({ now: 0 })
  const emit = createEmitter({ ledger, log: silentLog })
  const at = { now: 0 }
  const { ledger: watched, watch } = watchAnswers(ledger, { mono: () => at.now })
  const given = { ...parts(ledger), clock: { mono: () => at.now }, ledgerWatch: watch, emit, leads: () => true }
  const round = createStillEvents({ ...given, stillness: async () => [] })
  await watched.now()
  await round()
  at.now += 34_000
  assert.equal(watch.unansweredMs(), 34_000)
  await watched.now()
  assert.equal(watch.unansweredMs(), 0)
  await round()
  await round()
  const texts = (await ledger.events(50)).map(({ text }) => text)
  assert.deepEqual(texts, ['the ledger answers again: for 34 s nothing could be claimed or recorded'])
})
