/** Locates a blob: looks on this peer's own disk first, then asks the named holders, then every connected peer. */
import type { BlobExchange, HeldBlob, ListedBlobs } from '../protocol/blobs.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'

/** Whether a blob has a holder. */
export interface BlobLocation {
  readonly isAvailable: boolean
  /** Peers that have it, named as holders or not. */
  readonly has: readonly PeerId[]
  /** Holders that answered that they lack it. One that did not answer may have it. */
  readonly lacks: readonly PeerId[]
}

/** The parts that are asked. */
export interface LocateOptions {
  readonly self: PeerId
  /** This peer's own disk, as it is or as it was listed. */
  readonly store: Pick<ListedBlobs, 'find'>
  readonly exchange: Pick<BlobExchange, 'whoHas'>
  readonly video: VideoId
  readonly signal: AbortSignal
  /** Peers that can be asked now, `self` included: a holder that is not among them is not dialled in vain. */
  reachable(): readonly PeerId[]
}

/** Whether this peer or another one has a blob. Rejects with errors of the file system. */
export async function locateBlob({ sha256, bytes, holders }: HeldBlob, at: LocateOptions): Promise<BlobLocation> {
  const { self, store, exchange, video, signal } = at
  if ((await store.find(sha256, video)) !== null) return { isAvailable: true, has: [self], lacks: [] }
  const reachable = at.reachable()
  const named = holders.filter((peer) => peer !== self && reachable.includes(peer))
  const want = { sha256, bytes, video, signal }
  const answers = named.length > 0 ? await exchange.whoHas({ ...want, peers: named }) : { has: [], lacks: [] }
  if (answers.has.length > 0) return { isAvailable: true, ...answers }
  // A worker that fetched it early is no named holder.
  const { has } = await exchange.whoHas({ ...want, peers: [] })
  return { isAvailable: has.length > 0, has, lacks: answers.lacks }
}
