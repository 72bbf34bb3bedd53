/** Whether anybody has these bytes: this peer's own disk is asked first, then the holders by name. */
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import type { HeldBlob } from '../protocol/video.ts'

export interface BlobLocation {
  readonly isAvailable: boolean
  /** Who answered that it has it not; who did not answer may have it. */
  readonly lacks: readonly PeerId[]
}

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
