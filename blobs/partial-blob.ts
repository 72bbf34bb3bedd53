/**
 * A blob while it arrives: the partial file, its length, its hash so far, and its senders. Bytes are hashed as they are written, so
 * that a finished transfer is not read again; only the partial file of an earlier process is. `close` it.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { piecesOf } from '../files/hash-file.ts'
import { type RunningHash, startHash } from '../files/running-hash.ts'
import type { BlobRef } from '../protocol/blobs.ts'
import type { PeerId } from '../protocol/ids.ts'

/** Written at once: few calls, little memory. */
const WRITE_BYTES = 1024 * 1024
/** One is filled while one is written and one is hashed. */
const BUFFERS = 3

/** A piece of memory, and when it may be filled again. */
interface Buffered {
  readonly bytes: Uint8Array
  free: Promise<void>
}

/** A partial file with its length, hash and senders. */
export class PartialBlob {
  readonly path: string
  readonly want: BlobRef
  offset = 0
  /** Senders of the bytes so far; null stands for an earlier process. With a single sender, a wrong hash is that sender's fault. */
  readonly senders = new Set<PeerId | null>()
  readonly #buffers: Buffered[] = []
  #turn = 0
  #hash: RunningHash

  constructor(path: string, want: BlobRef) {
    this.path = path
    this.want = want
    this.#hash = startHash(want.bytes)
  }

  /** Continues with the bytes on the disk; starts over where they are more than the blob has. */
  async resume(signal: AbortSignal): Promise<void> {
    let file: FileHandle
    try {
      file = await open(this.path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return
    }
    try {
      for await (const piece of piecesOf(file, { from: 0, to: Number.POSITIVE_INFINITY }, signal)) {
        const buffer = await this.#buffer()
        buffer.bytes.set(piece)
        this.#add(buffer, piece.byteLength)
      }
    } finally {
      await file.close()
    }
    if (this.offset > 0) this.senders.add(null)
    if (this.offset > this.want.bytes) await this.restart()
  }

  async restart(): Promise<void> {
    await rm(this.path, { force: true })
    this.offset = 0
    this.senders.clear()
    // What waits for the old hash is never free again.
    this.#buffers.length = 0
    this.#hash.end()
    this.#hash = startHash(this.want.bytes)
  }

  /** Creates the file where there is none: an empty blob is complete without a transfer. */
  async create(): Promise<void> {
    await (await open(this.path, 'a')).close()
  }

  isWhole(): boolean {
    return this.offset === this.want.bytes
  }

  async hasRightHash(): Promise<boolean> {
    return (await this.#hash.digest()) === this.want.sha256
  }

  /** Ends the hash. Idempotent. */
  close(): void {
    this.#hash.end()
  }

  /** Appends what comes from this sender; a piece need not stay as it is once the next one is asked for. */
  async append(source: AsyncIterable<Uint8Array>, sender: PeerId): Promise<void> {
    const file = await open(this.path, this.offset === 0 ? 'w' : 'r+')
    let [buffer, filled, writing] = [await this.#buffer(), 0, Promise.resolve()]
    const write = async () => {
      const [full, bytes] = [buffer, filled]
      filled = 0
      await writing
      writing = this.#write(file, full, bytes)
      // It is awaited before the next one, and at the end.
      writing.catch(() => {})
    }
    try {
      for await (const piece of source) {
        this.senders.add(sender)
        for (let at = 0; at < piece.byteLength; ) {
          const part = piece.subarray(at, at + buffer.bytes.byteLength - filled)
          buffer.bytes.set(part, filled)
          filled += part.byteLength
          at += part.byteLength
          if (filled < buffer.bytes.byteLength) continue
          await write()
          buffer = await this.#buffer()
        }
      }
    } finally {
      // An interrupted transfer keeps the bytes that arrived.
      try {
        await write()
        await writing
      } finally {
        await file.close()
      }
    }
  }

  /** The next piece of memory, once it is free. */
  async #buffer(): Promise<Buffered> {
    const at = this.#turn++ % BUFFERS
    this.#buffers[at] ??= { bytes: new Uint8Array(new SharedArrayBuffer(WRITE_BYTES)), free: Promise.resolve() }
    await this.#buffers[at].free
    return this.#buffers[at]
  }

  async #write(file: FileHandle, buffer: Buffered, bytes: number): Promise<void> {
    let written = 0
    try {
      while (written < bytes)
        written += (await file.write(buffer.bytes, written, bytes - written, this.offset + written)).bytesWritten
    } finally {
      this.#add(buffer, written)
    }
  }

  /** INVARIANT: `offset` and hash always agree with what the file has. */
  #add(buffer: Buffered, bytes: number): void {
    this.offset += bytes
    buffer.free = this.#hash.update(buffer.bytes.subarray(0, bytes))
    buffer.free.catch(() => {})
  }
}
