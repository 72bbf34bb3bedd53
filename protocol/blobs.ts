/**
 * Immutable bytes named by their sha256, kept in one folder per video. Adapters: `blobs/blob-store.ts` on a disk and
 * `blobs/blob-exchange.ts` over the mesh.
 *
 * Promises: a path that `find` answers held exactly the named bytes when they were put (a disk may damage them later: see `verify`);
 * files appear by rename, so none is ever partial; `put` is idempotent; several processes may share one store.
 */
import { AttemptFailed } from './errors.ts'
import type { PeerId, Sha256, VideoId } from './ids.ts'
import { BLOB_FETCHES_AT_ONCE, FREE_DISK } from './limits.ts'

/** The name and the size, bytes, of a blob. */
export interface BlobRef {
  readonly sha256: Sha256
  readonly bytes: number
}

/** A blob with the peers that are believed to have it (at most `HOLDERS_MAX`; may be out of date). */
export interface HeldBlob {
  sha256: Sha256
  bytes: number
  holders: PeerId[]
}

/**
 * A source that stays where it lies. It counts as held while the identity of its file is the one that it had when it was hashed; where that
 * differs the file is hashed again, as a new link or mode changes the identity and not the bytes.
 */
export interface SourceReference extends BlobRef {
  readonly path: string
  /** As of `SourceFacts`. */
  readonly identity: string
}

/** Bytes that are read by ranges. */
export interface ReadableBlob {
  readonly bytes: number
  /** Reads a half-open range (bytes from the start), in pieces whose memory is the reader's. Rejects as its owner says, also after some pieces. */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** A half-open range. */
export interface ByteRange {
  /** Bytes from the start, as `to`. */
  readonly from: number
  /** Bytes from the start. */
  readonly to: number
}

/** Where a blob lies on this machine. */
export interface FoundBlob {
  readonly path: string
  /** The identity of a source by reference; null for a blob in the folder of the store. */
  readonly identity: string | null
}

/** Space of a file system, bytes: free for this process, and in all. */
export interface Room {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Bytes of a disk that have to stay free: `FREE_DISK.share` of it, at most `FREE_DISK.capBytes`. */
export const leastFree = (totalBytes: number): number => Math.min(FREE_DISK.share * totalBytes, FREE_DISK.capBytes)
/** Whether the disk still has `leastFree` after a write of so many bytes. */
export const hasRoomFor = (bytes: number, { freeBytes, totalBytes }: Room): boolean =>
  freeBytes - bytes >= leastFree(totalBytes)

/** The blobs of one machine at one moment. Methods are as those of `BlobStore`; they cost nothing for a video of which nothing is there. */
export type ListedBlobs = Pick<BlobStore, 'reference'> & {
  find(sha256: Sha256, video: VideoId): Promise<string | null>
}

/**
 * The blobs of one machine. Paths are absolute. Methods reject with errors of the file system, and where there is no space for a write with
 * `AttemptFailed('disk_full')`.
 */
export interface BlobStore {
  /** Creates an empty folder for the caller alone, on the file system of the store, so that `put` can rename out of it. */
  scratch(name: string): Promise<string>
  /** Hashes the file off the event loop, moves it in (rename) and answers its name. `AttemptFailed('disk_full')`. */
  put(video: VideoId, path: string): Promise<BlobRef>
  /** Moves a fetched file in. The caller has verified its hash. */
  adopt(video: VideoId, path: string, ref: BlobRef): Promise<void>
  /** The path of the blob, or null. For a source by reference: the path of the source, while it is unchanged. */
  find(sha256: Sha256, video?: VideoId): Promise<string | null>
  /** As `find`, with the identity of a source by reference. What was read while it stayed the same was read of one file. */
  lookUp(sha256: Sha256, video?: VideoId): Promise<FoundBlob | null>
  /** Whether a source by reference that was found is the same file still, though the video may refer to an equal one elsewhere by now. */
  isStill(found: FoundBlob): Promise<boolean>
  /** The blobs as they are listed now, for questions about many. What comes later is not found there, and neither is what is gone by then. */
  listed(): Promise<ListedBlobs>
  /** Reads the whole file and compares; a corrupt blob is removed and the answer is false. Rejects with errors of the disk. */
  verify(sha256: Sha256, video: VideoId): Promise<boolean>
  /** Records a source by reference. The file is never copied, moved or changed. */
  refer(video: VideoId, source: SourceReference): Promise<void>
  /** The reference of the video, while its source is unchanged; else null. */
  reference(video: VideoId): Promise<SourceReference | null>
  /** The name of the source that the video refers to, where a file with other bytes lies there now; null where none does, or the same. */
  changedSource(sha256: Sha256, video: VideoId): Promise<string | null>
  /** Removes the blobs of a video except those in `retain` (its results, while deliveries are open). References stay. */
  prune(video: VideoId, retain: ReadonlySet<Sha256>): Promise<void>
  /** Removes one blob of a video; a source by reference stays. */
  remove(sha256: Sha256, video: VideoId): Promise<void>
  /** Removes the blobs and the reference of a video. The source file is untouched. */
  drop(video: VideoId): Promise<void>
  /** Videos with at least one blob or reference here. */
  videos(): Promise<readonly VideoId[]>
  /** Every blob in this video's folder. A source by reference is not among them: see `find` and `reference`. */
  list(video: VideoId): Promise<readonly Sha256[]>
  /** Bytes free for this process, and of the whole file system. */
  room(): Promise<Room>
}

/** Results in the folders of people, where this peer delivered them or sees them: the mesh has removed its blobs then. */
export interface DeliveredBlobs {
  /**
   * The blob as it was delivered; null where no unchanged file with its bytes is found. A file that was not read since it changed, or since the
   * start, is hashed first. Its `read` rejects where the file is changed meanwhile. Rejects with `LedgerUnavailable` and the signal's reason.
   */
  open(sha256: Sha256, video: VideoId, signal: AbortSignal): Promise<ReadableBlob | null>
}

/** Ranges of blobs of other peers, read into memory. */
export interface BlobRanges {
  /**
   * The bytes of a range of at most `RANGE_BYTES_MAX`, from a holder, then from any connected peer, also from files that it has delivered. Where one
   * breaks off the next continues. Nothing is written to the disk. The hash is that of the whole, so that a range is taken as it comes. Rejects with
   * `BlobMissing` where every peer that answers lacks it, with `PeerUnreachable` where one may have it, and with the signal's reason.
   */
  read(
    want: BlobRef & ByteRange & { video: VideoId; holders: readonly PeerId[]; signal: AbortSignal },
  ): Promise<Uint8Array>
}

/** Small blobs of other peers, read into memory. */
export interface WholeBlobs {
  /**
   * The bytes, of at most `bytesMax`, verified. Rejects with `BlobMissing` where the peer lacks them, with `PeerUnreachable` where it does not answer, and with
   * the signal's reason.
   */
  read(want: {
    sha256: Sha256
    video: VideoId
    holder: PeerId
    bytesMax: number
    signal: AbortSignal
  }): Promise<Uint8Array>
}

/** Which peers have a blob and which lack it. A peer in neither list did not answer. */
export interface BlobAnswers {
  readonly has: readonly PeerId[]
  readonly lacks: readonly PeerId[]
}

/** Bytes of blobs that this peer has sent to others and received from them since it started, by bulk lines and by streams of the mesh. Only rises. */
export interface BlobTraffic {
  /** Bytes. */
  sent: number
  /** Bytes. */
  received: number
}

/** Blobs of other peers, found and fetched over the mesh. */
export interface BlobExchange {
  /**
   * The path of these bytes on this machine, fetched from a holder (then from any connected peer) where they are not
   * here: resumed where a transfer broke, hash verified before it is adopted. A holder that sent wrong bytes is asked
   * last from then on. `isRead`: the caller is about to read them, so what is here already is verified first;
   * a corrupt blob is removed and fetched again. Rejects with `BlobMissing` when no peer that answers has the blob, with
   * `SourceChanged` where this peer or a named holder had it as a source that is another file now, with `AttemptFailed('disk_full')`, and
   * with the signal's reason.
   */
  fetch(
    want: BlobRef & { video: VideoId; holders: readonly PeerId[]; signal: AbortSignal; isRead?: boolean },
  ): Promise<string>
  /**
   * Asks these peers, or the connected ones where the list is empty, whether they have the blob. One that has it with another
   * size lacks it. Never rejects.
   */
  whoHas(want: BlobRef & { video: VideoId; peers: readonly PeerId[]; signal: AbortSignal }): Promise<BlobAnswers>
}

/**
 * Whether the blob is here and has the hash of its name. A source by reference counts as intact while it is unchanged: hashing it takes
 * minutes. Rejects with errors of the file system.
 */
export async function isIntact(store: BlobStore, sha256: Sha256, video: VideoId): Promise<boolean> {
  const found = await store.lookUp(sha256, video)
  return found !== null && (found.identity !== null || (await store.verify(sha256, video)))
}

/**
 * Runs `act` on blobs that are here and verifies them afterwards. Where one is corrupt, gone or a source that was perhaps another file
 * meanwhile, neither the result nor the failure of `act` counts: rejects with `AttemptFailed('input_missing')`, and the corrupt blob is
 * removed, to be fetched again.
 */
export async function withIntactBlobs<T>(
  of: { store: BlobStore; video: VideoId; blobs: readonly BlobRef[]; signal: AbortSignal },
  act: () => Promise<T>,
): Promise<T> {
  const { store, video, blobs, signal } = of
  const find = ({ sha256 }: BlobRef) => store.lookUp(sha256, video)
  const isSame = async (one: FoundBlob | null, other: FoundBlob | null) =>
    one?.identity === other?.identity || (one?.identity != null && (await store.isStill(one)))
  const before = await Promise.all(blobs.map(find))
  const [done] = await Promise.allSettled([act()])
  for (let at = 0; at < blobs.length && !signal.aborted; at += BLOB_FETCHES_AT_ONCE) {
    const some = blobs.slice(at, at + BLOB_FETCHES_AT_ONCE)
    const intact = await Promise.all(
      some.map(
        async (blob, nth) =>
          (await isIntact(store, blob.sha256, video)) && (await isSame(before[at + nth]!, await find(blob))),
      ),
    )
    const corrupt = some[intact.indexOf(false)]
    if (corrupt)
      throw new AttemptFailed('input_missing', `blob ${corrupt.sha256} was removed or changed while it was read`)
  }
  if (done.status === 'rejected') throw done.reason
  return done.value
}
