/**
 * Immutable bytes named by their sha256, kept in one folder per video. Adapters: `node/blobs/blob-store.ts` on a disk and
 * `node/blobs/blob-exchange.ts` over the mesh.
 *
 * Promises: a path answered by `find` holds exactly the named bytes as of when they were put (a reader that doubts
 * verifies); files appear by rename, whole or not at all; `put` is idempotent; several processes may share one store.
 */
import type { PeerId, Sha256, VideoId } from './ids.ts'
import { FREE_DISK } from './limits.ts'

export interface BlobRef {
  readonly sha256: Sha256
  readonly bytes: number
}

/** A source held where it lies. It counts as held only while size and mtime are those seen when it was hashed. */
export interface SourceReference extends BlobRef {
  readonly path: string
  readonly mtime_ms: number
}

export interface Room {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** What has to stay free of a disk, bytes. */
export const leastFree = (totalBytes: number): number => Math.min(FREE_DISK.share * totalBytes, FREE_DISK.capBytes)
/** Whether so many bytes more leave that free. */
export const hasRoomFor = (bytes: number, { freeBytes, totalBytes }: Room): boolean =>
  freeBytes - bytes >= leastFree(totalBytes)

export interface BlobStore {
  /** A new empty folder of the caller's own, on the store's own file system. */
  scratch(name: string): Promise<string>
  /** Hashes the file off the event loop, moves it in (rename) and answers its name. `AttemptFailed('disk_full')`. */
  put(video: VideoId, path: string): Promise<BlobRef>
  /** Moves a verified fetch in under a hash already checked. */
  adopt(video: VideoId, path: string, ref: BlobRef): Promise<void>
  /** Where the bytes are, or null. Sources by reference answer their own path while they are unchanged. */
  find(sha256: Sha256, video?: VideoId): Promise<string | null>
  /** Reads the whole file and compares; a rotten blob is removed and the answer is false. */
  verify(sha256: Sha256, video: VideoId): Promise<boolean>
  /** Records a source by reference; never copied, moved or changed. */
  refer(video: VideoId, source: SourceReference): Promise<void>
  reference(video: VideoId): Promise<SourceReference | null>
  /** Removes blobs of a video but those named (its results, while deliveries are open). References stay. */
  prune(video: VideoId, keep: ReadonlySet<Sha256>): Promise<void>
  /** Forgets the video: blobs and reference (the source file itself is untouched). */
  drop(video: VideoId): Promise<void>
  /** Videos that have anything here. */
  videos(): Promise<readonly VideoId[]>
  /** Every blob in this video's folder. Its source by reference is none of them: `find` and `reference` tell of that. */
  list(video: VideoId): Promise<readonly Sha256[]>
  /** Bytes free for this process, and of the whole file system. */
  room(): Promise<Room>
}

/** Who is in neither list did not answer. */
export interface BlobAnswers {
  readonly has: readonly PeerId[]
  readonly lacks: readonly PeerId[]
}

export interface BlobExchange {
  /**
   * The path of these bytes on this machine, fetched from a holder (then from any connected peer) where they are not
   * here: resumed where a transfer broke, hash verified before it is adopted. A holder that sent other bytes is asked
   * last for them from then on. `isRead`: the caller is about to read them, so what is here already is verified first;
   * a blob that rotted is removed and fetched anew. `BlobMissing` when nobody has them, `AttemptFailed('disk_full')`.
   */
  fetch(
    want: BlobRef & { video: VideoId; holders: readonly PeerId[]; signal: AbortSignal; isRead?: boolean },
  ): Promise<string>
  /** Which of these peers (or of the connected ones) say that they have it, and which that they have not. Never throws. */
  whoHas(want: { sha256: Sha256; video: VideoId; peers: readonly PeerId[]; signal: AbortSignal }): Promise<BlobAnswers>
}
