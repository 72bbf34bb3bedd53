/**
 * Immutable bytes named by their sha256, kept in one folder per video. Adapters: `blobs/blob-store.ts` on a disk and
 * `blobs/blob-exchange.ts` over the mesh.
 *
 * Promises: a path answered by `find` holds exactly the named bytes as of when they were put (a reader that
 * must be sure verifies); files appear by rename, whole or not at all; `put` is idempotent; several processes may share one store.
 */
import { AttemptFailed } from './errors.ts'
import type { PeerId, Sha256, VideoId } from './ids.ts'
import { BLOB_FETCHES_AT_ONCE, FREE_DISK } from './limits.ts'

/** The name and the size, bytes, of a blob. */
export interface BlobRef {
  readonly sha256: Sha256
  readonly bytes: number
}

/** A source that stays where it lies. It counts as held only while its size, bytes, and mtime, ms, are those of when it was hashed. */
export interface SourceReference extends BlobRef {
  readonly path: string
  readonly mtime_ms: number
}

/** Space of a file system, bytes: free for this process, and in all. */
export interface Room {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** What has to stay free of a disk, bytes. */
export const leastFree = (totalBytes: number): number => Math.min(FREE_DISK.share * totalBytes, FREE_DISK.capBytes)
/** Whether so many bytes more leave that free. */
export const hasRoomFor = (bytes: number, { freeBytes, totalBytes }: Room): boolean =>
  freeBytes - bytes >= leastFree(totalBytes)

/**
 * The blobs of one machine. Paths are absolute. Methods reject with errors of the file system, and where there is no space for a write with
 * `AttemptFailed('disk_full')`.
 */
export interface BlobStore {
  /** A new empty folder of the caller's own, on the store's own file system. */
  scratch(name: string): Promise<string>
  /** Hashes the file off the event loop, moves it in (rename) and answers its name. `AttemptFailed('disk_full')`. */
  put(video: VideoId, path: string): Promise<BlobRef>
  /** Moves a verified fetch in under a hash already checked. */
  adopt(video: VideoId, path: string, ref: BlobRef): Promise<void>
  /** Where the bytes are, or null. Sources by reference answer their own path while they are unchanged. */
  find(sha256: Sha256, video?: VideoId): Promise<string | null>
  /** Reads the whole file and compares; a corrupt blob is removed and the answer is false. Rejects with errors of the disk. */
  verify(sha256: Sha256, video: VideoId): Promise<boolean>
  /** Records a source by reference; never copied, moved or changed. */
  refer(video: VideoId, source: SourceReference): Promise<void>
  reference(video: VideoId): Promise<SourceReference | null>
  /** Removes blobs of a video but those named (its results, while deliveries are open). References stay. */
  prune(video: VideoId, retain: ReadonlySet<Sha256>): Promise<void>
  /** Removes one blob of a video; a source by reference stays. */
  remove(sha256: Sha256, video: VideoId): Promise<void>
  /** Forgets the video: blobs and reference (the source file itself is untouched). */
  drop(video: VideoId): Promise<void>
  /** Videos that have anything here. */
  videos(): Promise<readonly VideoId[]>
  /** Every blob in this video's folder. A source by reference is not among them: see `find` and `reference`. */
  list(video: VideoId): Promise<readonly Sha256[]>
  /** Bytes free for this process, and of the whole file system. */
  room(): Promise<Room>
}

/** Which peers have a blob and which lack it. A peer in neither list did not answer. */
export interface BlobAnswers {
  readonly has: readonly PeerId[]
  readonly lacks: readonly PeerId[]
}

/** Blobs of other peers, found and fetched over the mesh. */
export interface BlobExchange {
  /**
   * The path of these bytes on this machine, fetched from a holder (then from any connected peer) where they are not
   * here: resumed where a transfer broke, hash verified before it is adopted. A holder that sent other bytes is asked
   * last for them from then on. `isRead`: the caller is about to read them, so what is here already is verified first;
   * a corrupt blob is removed and fetched again. `BlobMissing` when nobody has them, `AttemptFailed('disk_full')`.
   */
  fetch(
    want: BlobRef & { video: VideoId; holders: readonly PeerId[]; signal: AbortSignal; isRead?: boolean },
  ): Promise<string>
  /**
   * Which of these peers (or of the connected ones) say that they have it, and which that they have not, or something of
   * another size. Never throws.
   */
  whoHas(want: BlobRef & { video: VideoId; peers: readonly PeerId[]; signal: AbortSignal }): Promise<BlobAnswers>
}

/** Whether what is here is what its name says. A source by reference counts as intact while its size and time are unchanged: hashing it takes minutes. */
export async function isIntact(store: BlobStore, sha256: Sha256, video: VideoId): Promise<boolean> {
  const path = await store.find(sha256, video)
  return path !== null && ((await store.reference(video))?.path === path || (await store.verify(sha256, video)))
}

/**
 * Runs `act` on blobs that are here and verifies them afterwards. Where one is corrupt or gone, neither the result nor the failure of
 * `act` counts: rejects with `AttemptFailed('input_missing')`, and the corrupt blob is removed, to be fetched again.
 */
export async function withIntactBlobs<T>(
  of: { store: BlobStore; video: VideoId; blobs: readonly BlobRef[]; signal: AbortSignal },
  act: () => Promise<T>,
): Promise<T> {
  const { store, video, blobs, signal } = of
  const [done] = await Promise.allSettled([act()])
  for (let at = 0; at < blobs.length && !signal.aborted; at += BLOB_FETCHES_AT_ONCE) {
    const some = blobs.slice(at, at + BLOB_FETCHES_AT_ONCE)
    const intact = await Promise.all(some.map(({ sha256 }) => isIntact(store, sha256, video)))
    const corrupt = some[intact.indexOf(false)]
    if (corrupt)
      throw new AttemptFailed('input_missing', `blob ${corrupt.sha256} went away or changed while it was read`)
  }
  if (done.status === 'rejected') throw done.reason
  return done.value
}
