/**
 * A destination: a place to which the files of videos are delivered, each at a relative path. Adapter: `files/file-destination.ts`, a folder;
 * it passes `conformance/destination.ts`. No promise needs a rename, so that an object store can keep them too: its unfinished bytes are an
 * upload that was not completed.
 *
 * Promises
 * - A path has `/` between its parts. One that could lead out of the destination rejects with `ReelmeshError('bad_artifact')`.
 * - A file appears at its path complete, with the bytes of its sha256. A file that was put and not placed is at no path, also after a
 *   kill; a repeated `put` or `place` leaves no unfinished bytes.
 * - `place` replaces a file only with `replace`: of two that place different bytes at one path at once, one is answered `taken`. A
 *   placed file is durable: a power cut loses neither its bytes nor its name.
 * - A file with `is_folder` is a folder at its path, with the files that its index names: all of them appear at once. All else holds of it too.
 * - A file that is put is for nobody but its owner until its bytes are whole, then for those of its mode: never, also not for a moment, for more.
 * - People may change the files at any time: an answer may be out of date. A handle caches the hash of a file while its size and time are
 *   unchanged; a caller that must read the file again opens a new handle.
 * - Addresses are written into the ledger and shown to people: they never contain credentials.
 * - Errors: `UsageError` where nothing can be written, which says what to do; one that `isDiskFull` recognises where there is no room;
 *   the reason of the signal; else the error of the file system or service, after which the same may be tried again.
 */
import type { BlobRef, ByteRange } from './blobs.ts'
import { ReelmeshError } from './errors.ts'
import type { PeerId, Sha256, VideoId } from './ids.ts'

/** The permission bits of a file that everybody may read and write: no result has others. */
export const FILE_MODE = 0o666

/** A file at its path. */
export interface FileAt extends BlobRef {
  /** Relative to the destination. */
  readonly path: string
  /** It is a track of a package that becomes a folder: its sha256 is that of its files in the order of their names. */
  readonly is_folder?: true | undefined
}

/** A file to put, with the video and peer that identify its unfinished bytes. */
export interface DestinationFile extends FileAt {
  readonly video: VideoId
  /** The peer that puts it. No two processes put the same file for one peer at the same time. */
  readonly peer: PeerId
  /** Permission bits that the file has at most: the umask takes more, its owner may always read and write. A place without such bits ignores them. */
  readonly mode: number
}

/**
 * The files of one destination. Methods reject with `UsageError`, `ReelmeshError('bad_artifact')`, the signal's reason, or the error of the
 * file system or service: see the promises above.
 */
export interface Destination {
  /** The address that it was opened with. */
  readonly address: string
  /** Creates the place where it is missing. Rejects with `UsageError` where it cannot be written to. */
  prepare(): Promise<void>
  /** The size (bytes) of the file at the path; null where there is none that can be read. */
  bytesAt(path: string): Promise<number | null>
  /** The sha256 of the file at the path, which may have to be read; null where there is none that can be read. */
  sha256At(path: string, signal: AbortSignal): Promise<Sha256 | null>
  /**
   * Copies the local file `from` to where it is at no path yet, and compares the written bytes with sha256 and size. Rejects with
   * `CopyMismatch` where they differ. Bytes of an interrupted `put` of the same file are replaced, or continued.
   */
  put(file: DestinationFile, from: string, signal: AbortSignal): Promise<void>
  /**
   * Places a file that was put. `placed`: it is at its path now. `there`: equal bytes were at the path already, and are durable now.
   * `taken`: other bytes are there, and stay (with `replace` they are replaced). Also after an error no unfinished bytes of it remain;
   * `isOnly`: no other peer puts it now, so that those of earlier ones are removed too.
   */
  place(
    file: DestinationFile,
    options: { readonly replace: boolean; readonly isOnly?: boolean; readonly signal: AbortSignal },
  ): Promise<'placed' | 'there' | 'taken'>
  /**
   * Moves a placed file to another path and replaces a file there. Does nothing where it is missing. Both paths may have it meanwhile;
   * `place` at the new path makes it durable.
   */
  move(from: string, to: string): Promise<void>
  /** Copies a file to the local path `to`. False where its bytes are missing or cannot be read; the content of `to` is then undefined. */
  fetch(file: FileAt, to: string, signal: AbortSignal): Promise<boolean>
  /**
   * The bytes of a range of a file that has its sha256, which may have to be read first; in pieces whose memory is the reader's. Rejects with
   * `CopyMismatch` where its bytes are missing or others, also after some pieces: what was read until then is right.
   */
  read(file: FileAt, range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Opens a destination by the form of its address, without any access yet. Throws `UsageError` for an address that no adapter serves. */
export type OpenDestination = (address: string) => Destination

/** The copied bytes do not have the sha256: the source of the copy, or the transfer, is corrupt. */
export class CopyMismatch extends ReelmeshError {
  constructor(where: string) {
    super('rotten_copy', `${where}: the bytes read are not those that were verified`, { retryable: true })
    this.name = 'CopyMismatch'
  }
}

/** Checks a path, for adapters. Throws `ReelmeshError('bad_artifact')` for one that could lead out of a destination, or that an object store changes. */
export function checkPath(path: string): void {
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new ReelmeshError('bad_artifact', `${JSON.stringify(path)} is no path that a delivered file may have`)
}
