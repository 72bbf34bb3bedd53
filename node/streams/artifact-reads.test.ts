/** Reads of results: which place they come from, and that another one continues where one fails. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Artifact } from '../../protocol/artifact.ts'
import type { ReadableBlob } from '../../protocol/blobs.ts'
import { sha256Of } from '../../protocol/conformance/blobs.ts'
import { BlobMissing, LedgerUnavailable, PeerUnreachable } from '../../protocol/errors.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { RANGE_BYTES_MAX } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import { aVideo } from '../videos/video.fixture.ts'
import { createArtifactReads } from './artifact-reads.ts'

const [self, owner, holder] = ['me', 'owner', 'holder'].map((name) => asPeerId(`12D3KooW${name}`)) as [
  PeerId,
  PeerId,
  PeerId,
]
const CONTENT = Buffer.from(
  Uint8Array.from({ length: 2 * RANGE_BYTES_MAX + 1_000 }, (_, at) => (at * 7 + (at >> 9)) & 255),
)
const sha256 = sha256Of(CONTENT.toString('latin1'))
const artifact: Artifact = {
  path: '{name}/video-480p.mp4',
  media_type: 'video/mp4',
  sha256,
  bytes: CONTENT.byteLength,
  holders: [self, holder],
}
const video = aVideo({
  name: 'film',
  status: 'COMPLETED',
  outputs: [artifact],
  deliveries: [{ peer: owner, dir: '/out', name: 'film', done_at: 1 }],
})
const { signal } = new AbortController()

let dir = ''
/** Where the bytes lie. */
let stored: boolean
let delivered: ReadableBlob | Error | null
let remote: Error | null
/** Requests after which nobody sends, and how many of them are then refused. */
let breaks: { readonly after: number; readonly times: number }
let now: number
let connected: PeerId[]
let asked: { readonly from: number; readonly to: number; readonly holders: readonly PeerId[] }[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-reads-'))
  await writeFile(join(dir, 'blob'), CONTENT)
  stored = false
  delivered = null
  remote = null
  breaks = { after: 0, times: 0 }
  now = 0
  connected = [owner, holder]
  asked = []
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function read(from = 0, to = CONTENT.byteLength): Promise<Buffer> {
  const reads = createArtifactReads({
    self,
    store: { list: async () => (stored ? [sha256] : []), find: async () => join(dir, 'blob') },
    delivered: {
      async open() {
        if (delivered instanceof Error) throw delivered
        return delivered
      },
    },
    ranges: {
      async read(want) {
        asked.push({ from: want.from, to: want.to, holders: want.holders })
        if (remote) throw remote
        const refused = asked.length - breaks.after
        if (refused > 0 && refused <= breaks.times) throw new PeerUnreachable('x')
        return CONTENT.subarray(want.from, want.to)
      },
    },
    peers: () => connected,
    clock: {
      mono: () => now,
      async sleep(ms) {
        now += ms
      },
    },
    log: silentLog,
  })
  const pieces: Uint8Array[] = []
  for await (const piece of reads.read(video, artifact, { from, to }, signal)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A delivered file that is changed after so many bytes. */
const changesAt = (bytes: number): ReadableBlob => ({
  bytes: CONTENT.byteLength,
  async *read({ from, to }) {
    yield CONTENT.subarray(from, Math.min(to, from + bytes))
    if (from + bytes < to) throw new Error('it was changed')
  },
})

describe('reads of results', () => {
  it('come from the own store, and ask nobody', async () => {
    stored = true
    assert.deepEqual(await read(), CONTENT)
    assert.deepEqual(await read(1_000, 1_010), CONTENT.subarray(1_000, 1_010))
    assert.deepEqual(asked, [])
  })

  it('come from what was delivered here', async () => {
    delivered = changesAt(CONTENT.byteLength)
    assert.deepEqual(await read(5, 700_000), CONTENT.subarray(5, 700_000))
    assert.deepEqual(asked, [])
  })

  it('come from others in bounded ranges, from holders and from who delivered', async () => {
    assert.deepEqual(await read(3), CONTENT.subarray(3))
    assert.deepEqual(
      asked.map(({ from, to }) => [from, to]),
      [
        [3, RANGE_BYTES_MAX + 3],
        [RANGE_BYTES_MAX + 3, 2 * RANGE_BYTES_MAX + 3],
        [2 * RANGE_BYTES_MAX + 3, CONTENT.byteLength],
      ],
    )
    assert.deepEqual(asked[0]?.holders, [holder, owner])
  })

  it('go on elsewhere from where a file of this machine fails', async () => {
    stored = true
    await writeFile(join(dir, 'blob'), CONTENT.subarray(0, 300_000))
    delivered = changesAt(50_000)
    assert.deepEqual(await read(), CONTENT)
    assert.equal(asked[0]?.from, 350_000)
  })

  it('wait for a peer that sends where they have begun, and not for ever', async () => {
    breaks = { after: 1, times: 10 }
    assert.deepEqual(await read(), CONTENT)
    assert.deepEqual([asked.length, now], [13, 5_000])
    asked = []
    breaks = { after: 1, times: 1_000 }
    await assert.rejects(read(), { code: 'bytes_away' })
    assert.ok(now < 25_000, `${now}`)
  })

  const refused: readonly (readonly [what: string, fails: Error, there: readonly PeerId[], code: string])[] = [
    ['nobody answers', new PeerUnreachable('x'), [owner, holder], 'bytes_away'],
    ['who may have it is not there', new BlobMissing(sha256), [holder], 'bytes_away'],
    ['everybody lacks it', new BlobMissing(sha256), [owner, holder], 'bytes_gone'],
  ]
  for (const [what, fails, there, code] of refused)
    it(`are refused with ${code} where ${what}`, async () => {
      remote = fails
      connected = [...there]
      await assert.rejects(read(), { code })
    })

  it('end where the ledger is away, which says what was delivered here', async () => {
    delivered = new LedgerUnavailable('away')
    await assert.rejects(read(), { code: 'ledger_away' })
  })
})
