/**
 * A blob while it arrives: the partial file, its length, its hash so far, and its senders. Bytes are hashed as they are written, so
 * that a finished transfer is not read again; only the partial file of an earlier process is.
 */
import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { hashInto } from '../files/hash-file.ts'
import type { BlobRef } from '../protocol/blobs.ts'
import type { PeerId } from '../protocol/ids.ts'

/** Written at once: few calls, little memory. */
const WRITE_BYTES = 1024 * 1024

/** A partial file with its length, hash and senders. */
export class PartialBlob {
  readonly path: string
  readonly want: BlobRef
  offset = 0
  /** Senders of the bytes so far; null stands for an earlier process. With a single sender, a wrong hash is that sender's fault. */
  readonly senders = new Set<PeerId | null>()
  #hash: Hash = createHash('sha256')

  constructor(path: string, want: BlobRef) {
    this.path = path
    this.want = want
  }

  /** Continues with the bytes on the disk; starts over where they are more than the blob has. */
  async resume(signal: AbortSignal): Promise<void> {
    try {
      this.offset = await hashInto(this.#hash, this.path, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (this.offset > 0) this.senders.add(null)
    if (this.offset > this.want.bytes) await this.restart()
  }

  async restart(): Promise<void> {
    await rm(this.path, { force: true })
    this.offset = 0
    this.senders.clear()
    this.#hash = createHash('sha256')
  }

  /** Creates the file where there is none: an empty blob is complete without a transfer. */
  async create(): Promise<void> {
    await (await open(this.path, 'a')).close()
  }

  isWhole(): boolean {
    return this.offset === this.want.bytes
  }

  hasRightHash(): boolean {
    return this.#hash.copy().digest('hex') === this.want.sha256
  }

  /** Appends what comes from this sender. INVARIANT: `offset` and hash always agree with what was written. */
  async append(source: AsyncIterable<Uint8Array>, sender: PeerId): Promise<void> {
    const file = await open(this.path, this.offset === 0 ? 'w' : 'r+')
    const pieces: Uint8Array[] = []
    let bytes = 0
    try {
      for await (const piece of source) {
        this.senders.add(sender)
        pieces.push(piece)
        bytes += piece.byteLength
        if (bytes < WRITE_BYTES) continue
        await this.#write(file, pieces.splice(0))
        bytes = 0
      }
    } finally {
      // An interrupted transfer keeps the bytes that arrived.
      try {
        await this.#write(file, pieces)
      } finally {
        await file.close()
      }
    }
  }

  async #write(file: FileHandle, pieces: Uint8Array[]): Promise<void> {
    let left = pieces
    while (left.length > 0) {
      const { bytesWritten } = await file.writev(left, this.offset)
      const written = takeBytes(left, bytesWritten)
      for (const piece of written.taken) this.#hash.update(piece)
      this.offset += bytesWritten
      left = written.left
    }
  }
}

/** Splits a list of pieces after so many bytes: a write may be short. */
function takeBytes(pieces: readonly Uint8Array[], bytes: number): { taken: Uint8Array[]; left: Uint8Array[] } {
  const taken: Uint8Array[] = []
  let open = bytes
  for (const [at, piece] of pieces.entries()) {
    if (open < piece.byteLength) {
      taken.push(piece.subarray(0, open))
      return { taken, left: [piece.subarray(open), ...pieces.slice(at + 1)] }
    }
    taken.push(piece)
    open -= piece.byteLength
  }
  return { taken, left: [] }
}
