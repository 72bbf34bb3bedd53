/** When the leader says that a video stands still, and that it moves again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { VideoRow } from '../../protocol/status.ts'
import { createStillEvents } from './still-events.ts'

const FILM = '0123456789abcdef' as VideoId

test('each stillness is an event once for its reason, and so is its end; a queue and a peer that does not lead say nothing', async () => {
  const at = { now: 1_000_000 }
  const ledger = createLedgerModel({ now: () => at.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const emit = createEmitter({ ledger, log: silentLog })
  const state: { still: VideoRow['still']; leads: boolean } = { still: null, leads: true }
  const openVideos = async () => [{ id: FILM, name: 'film', still: state.still } as unknown as VideoRow]
  const leader = () => createStillEvents({ ledger, emit, leads: () => state.leads, openVideos })
  const waits = (peer: typeof ANN, text: string): VideoRow['still'] => ({
    code: 'source_absent',
    peers: [peer],
    since: at.now,
    text,
  })
  const texts = async () => (await ledger.events(50)).map(({ text }) => text)
  const round = leader()
  await round()
  state.still = { code: 'queued', peers: [], since: 0, text: 'waits behind 1 other video' }
  await round()
  assert.deepEqual(await texts(), [])
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
