import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlobExchange, BlobStore, Room } from '../../protocol/blobs.ts'
import { ANN, sha, submission } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createHints } from '../../protocol/hints.ts'
import { asPeerId, type Sha256, type TaskId, type VideoId } from '../../protocol/ids.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { createCopier } from './copier.ts'

const ME = asPeerId('12D3KooWMe')
const { signal } = new AbortController()

async function stage({ room = { freeBytes: 1e12, totalBytes: 1e12 } as Room, missing = false } = {}) {
  const ledger = createLedgerModel({ now: () => 0, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const { video } = await ledger.submit(submission())
  const fetched: Sha256[] = []
  const published: string[] = []
  const exchange = {
    fetch: async ({ sha256 }: { sha256: Sha256 }) => {
      if (missing) throw new Error('nobody has it')
      fetched.push(sha256)
      return '/here'
    },
  } as unknown as BlobExchange
  const store = { room: async () => room } as BlobStore
  const hints = createHints()
  hints.on(['video'], (hint) => published.push(hint.video ?? ''))
  const copier = createCopier({
    self: ME,
    ledger,
    store,
    exchange,
    log: silentLog,
    hints,
    sharedSources: { hold: async () => false },
  })
  const source = async () => (await ledger.video(video._id))!.source.holders
  copier.start(signal)
  const ask = (id: VideoId, task: TaskId | null = null) => hints.publish({ what: 'copy', video: id, task, peer: ME })
  return { ledger, copier, hints, ask, video, fetched, published, source }
}

test('a source is fetched, its new holder named and published, once for two requests', async () => {
  const { copier, ask, video, fetched, published, source } = await stage()
  ask(video._id)
  ask(video._id)
  await copier.idle()
  assert.deepEqual(fetched, [sha('source')])
  assert.deepEqual(await source(), [ANN, ME])
  assert.deepEqual(published, [video._id])
})

test('what does not fit beside the free room, or is nowhere, leaves no holder behind', async () => {
  for (const at of [await stage({ room: { freeBytes: 1_500, totalBytes: 20_000 } }), await stage({ missing: true })]) {
    at.ask(at.video._id)
    await at.copier.idle()
    assert.deepEqual(await at.source(), [ANN])
    assert.deepEqual(at.published, [])
    // The next request is not held up by the last.
    at.ask(at.video._id)
    await at.copier.idle()
  }
})

test('a video that the ledger does not know is nothing to fetch', async () => {
  const { copier, ask, fetched } = await stage()
  ask('ffffffffffffffff' as never)
  ask('ffffffffffffffff' as never, 'ffffffffffffffff/merge' as never)
  await copier.idle()
  assert.deepEqual(fetched, [])
})

test('a request to another peer is left to that one', async () => {
  const { copier, hints, video, fetched } = await stage()
  hints.publish({ what: 'copy', video: video._id, task: null, peer: ANN })
  await copier.idle()
  assert.deepEqual(fetched, [])
})
