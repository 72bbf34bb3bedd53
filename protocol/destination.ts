/**
 * A destination: a place of people where the files of videos are put, each under a relative path. Adapter: `files/file-destination.ts`,
 * a folder; it passes `conformance/destination.ts`. Nothing here needs a rename, so that an object store can keep the same promises: its
 * unfinished bytes are an upload that nobody completed.
 *
 * Promises
 * - A path has `/` between its parts. One that could lead out of the destination rejects with `ReelmeshError('bad_artifact')`.
 * - A file appears under its path at once and whole, with the bytes that its sha256 names. What was put and not published is seen under
 *   no path, also after a kill, and the same `put` or `publish` by anyone who may repeat it leaves nothing of it.
 * - `publish` replaces no file unless it is asked to: of two that publish different bytes under one path at once, one is `taken`. What it
 *   answered is durable: a power cut takes neither the bytes nor the name.
 * - Other people may change what is there at any time: each answer is of its moment. A handle remembers the hash of what looks unchanged
 *   since, so that it is cheap to ask again; whoever trusts nobody opens a new handle.
 * - Addresses are written into the ledger and shown to people: they never carry credentials.
 * - Errors: `UsageError` where nothing can be written, which says what to do; one that `isDiskFull` recognises where there is no room;
 *   the reason of the signal; else the error of the file system or service, after which the same may be tried again.
 */
import type { BlobRef } from './blobs.ts'
import { ReelmeshError } from './errors.ts'
import type { PeerId, Sha256, VideoId } from './ids.ts'

/** A file at its path. */
export interface FileAt extends BlobRef {
  /** Relative to the destination. */
  readonly path: string
}

/** A file to put, and for whom: by this its unfinished bytes are found again, and never taken for those of others. */
export interface DestinationFile extends FileAt {
  readonly video: VideoId
  /** Who puts it. No two processes put the same file for one peer at the same time. */
  readonly peer: PeerId
}

/** See the promises above. */
export interface Destination {
  /** As it was opened with. */
  readonly address: string
  /** Makes the place where it is missing. Rejects with `UsageError` where it cannot be written to. */
  prepare(): Promise<void>
  /** The size, bytes, of what is at the path; null where nothing is, or nothing that can be read. */
  bytesAt(path: string): Promise<number | null>
  /** The sha256 of what is at the path: all of it may have to be read. Null where nothing is, or nothing that can be read. */
  sha256At(path: string, signal: AbortSignal): Promise<Sha256 | null>
  /**
   * Copies the local file `from` to where nobody sees it, and compares what was written with the file's sha256 and size: rejects with
   * `CopyMismatch` where they differ. What an interrupted `put` of the same file left is replaced, or gone on with.
   */
  put(file: DestinationFile, from: string, signal: AbortSignal): Promise<void>
  /**
   * Gives what was put its path. `placed`: it has it now. `there`: these very bytes are at the path already, from whomever, and they are
   * durable now. `taken`: other bytes are, and stay; with `replace` they are replaced instead. Whatever the outcome, also an error,
   * nothing unfinished of this file remains.
   */
  publish(
    file: DestinationFile,
    options: { readonly replace: boolean; readonly signal: AbortSignal },
  ): Promise<'placed' | 'there' | 'taken'>
  /**
   * Moves a published file to another path and replaces what is there. Does nothing where it is gone. Both paths may show it meanwhile;
   * `publish` at the new path makes it durable.
   */
  move(from: string, to: string): Promise<void>
  /** Copies these bytes from their path to the local path `to`. False where they are not there or cannot be read; `to` may then hold anything. */
  fetch(file: FileAt, to: string, signal: AbortSignal): Promise<boolean>
}

/** Opens a destination by the form of its address; nothing is asked of it yet. Throws `UsageError` for an address that nothing serves. */
export type OpenDestination = (address: string) => Destination

/** The bytes that were copied are not those that the sha256 names: the source of the copy is corrupt, or the way to here. */
export class CopyMismatch extends ReelmeshError {
  constructor(where: string) {
    super('rotten_copy', `${where}: the bytes read are not those that were verified`, { retryable: true })
    this.name = 'CopyMismatch'
  }
}

/** For adapters. Throws `ReelmeshError('bad_artifact')` for a path that could lead out of a destination, or that an object store changes. */
export function checkPath(path: string): void {
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new ReelmeshError('bad_artifact', `${JSON.stringify(path)} is no path that a delivered file may have`)
}
