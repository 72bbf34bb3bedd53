/** Locates a blob: looks on this peer's own disk first, then asks the named holders. */
import type { BlobExchange, BlobStore, HeldBlob } from '../protocol/blobs.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'

/** Whether a blob has a holder. */
export interface BlobLocation {
  readonly isAvailable: boolean
  /** Holders that answered that they lack it. One that did not answer may have it. */
  readonly lacks: readonly PeerId[]
}

/** Whether this peer or a holder has a blob. Rejects with errors of the file system. */
export async function locateBlob(
  { sha256, bytes, holders }: HeldBlob,
  at: {
    readonly store: Pick<BlobStore, 'find'>
    readonly exchange: Pick<BlobExchange, 'whoHas'>
    readonly video: VideoId
    readonly signal: AbortSignal
  },
): Promise<BlobLocation> {
  const { store, exchange, video, signal } = at
  if ((await store.find(sha256, video)) !== null) return { isAvailable: true, lacks: [] }
  const { has, lacks } = await exchange.whoHas({ sha256, bytes, video, peers: holders, signal })
  return { isAvailable: has.length > 0, lacks }
}
