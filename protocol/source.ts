/**
 * A source: one place that a video's bytes come from. Adapter: `files/file-source.ts`, a file of this machine; it passes
 * `conformance/source.ts`.
 *
 * Promises
 * - What is at the address belongs to people, and may change at any time; nothing here writes to it.
 * - Whenever the content changes in a way that shows, the identity does: for a file its inode, size, modification and change time, for an
 *   object its ETag. The same identity is taken for the same content; it is no hash of it, and may change while the content stays.
 * - Addresses are written into the ledger, shown to people and logged: they never carry credentials.
 * - Errors: `SourceRefused` where there is nothing, or nothing that could be a video; `SourceUnsettled` where it is no longer what it was
 *   when it was looked at; the reason of the signal; else the error of the file system or service, after which the same may be tried again.
 */
import { createHash } from 'node:crypto'
import type { BlobRef, BlobStore } from './blobs.ts'
import { SourceUnsettled } from './errors.ts'
import { asSha256, type VideoId } from './ids.ts'

/** What a source is at one moment. */
export interface SourceFacts {
  readonly bytes: number
  /** Opaque; comparable with others of the same source only. */
  readonly identity: string
  /** Who may read it, as permission bits: its results are for no more people. `FILE_MODE` where the place has none. */
  readonly mode: number
}

/** A half-open range of bytes, within the size. */
export interface SourceRange {
  /** First byte, from 0. */
  readonly from: number
  /** Number of the byte after the last one. */
  readonly to: number
  /** The identity that the source must still have. */
  readonly identity: string
}

/** The bytes of a source as a whole, as they were while its identity stayed the same. */
export interface SourceContent extends BlobRef, SourceFacts {}

/** See the promises above. */
export interface Source {
  /** As it was opened with. */
  readonly address: string
  /** The last part of the address without its ending: for people, and for the files made of it. */
  readonly name: string
  /** What ffmpeg opens: an absolute path, or a URL. A URL may carry a signature, so it is neither logged nor stored. */
  input(): Promise<string>
  /** The size and identity of what is there now. Rejects with `SourceRefused` where that could not be a video. */
  stat(signal: AbortSignal): Promise<SourceFacts>
  /**
   * The bytes of the range, in order. A piece is valid until the next one is asked for. Throws `SourceUnsettled` where the identity is another
   * when it begins, or where the source ends before the range does.
   */
  read(range: SourceRange, signal: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * Makes the store hold these bytes for the video: by reference where the source is a file of this machine, which is never
   * copied; else as a copy. Rejects with `SourceUnsettled` where the identity is another by now, and as the store does.
   */
  hold(content: SourceContent, video: VideoId, store: BlobStore, signal: AbortSignal): Promise<void>
}

/** Opens a source by the form of its address; nothing is asked of it yet. Throws `UsageError` for an address that nothing serves. */
export type OpenSource = (address: string) => Source

/**
 * Reads a source as a whole; twice where its identity changed while it was read, as a new link to a file changes it too. Rejects as the source
 * does, and with `SourceUnsettled` where the second reading gave other bytes, or the identity changed once more.
 */
export async function readContent(source: Source, signal: AbortSignal): Promise<SourceContent> {
  const first = await readOnce(source, signal)
  if (first.isSettled) return first.content
  const second = await readOnce(source, signal)
  if (!second.isSettled || second.content.sha256 !== first.content.sha256) throw unsettled(source)
  return second.content
}

/** `isSettled`: the identity was the same afterwards. */
async function readOnce(source: Source, signal: AbortSignal): Promise<{ content: SourceContent; isSettled: boolean }> {
  const { bytes, identity, mode } = await source.stat(signal)
  const hash = createHash('sha256')
  for await (const piece of source.read({ from: 0, to: bytes, identity }, signal)) hash.update(piece)
  const after = await source.stat(signal)
  return {
    content: { sha256: asSha256(hash.digest('hex')), bytes, identity, mode },
    isSettled: after.identity === identity,
  }
}

/** An error for a source that changed while it was read, with a sentence for who submitted it. */
export const unsettled = ({ address }: Pick<Source, 'address'>): SourceUnsettled =>
  new SourceUnsettled(`${address} is still being written; submit it when it is whole`)
