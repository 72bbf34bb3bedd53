/** Reading packets of many files and writing one, much at once: each packet alone would be a call to the system. */
import { type FileHandle, open } from 'node:fs/promises'
import { fsPath } from '../../protocol/path-text.ts'

/** Bytes that are read and written at once. */
export const WINDOW_BYTES = 1024 * 1024

/** Gathers what is written. */
export class Out {
  readonly #handle: FileHandle
  #parts: Buffer[] = []
  #bytes = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(part: Buffer): Promise<void> {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes >= WINDOW_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#parts)
    ;[this.#parts, this.#bytes] = [[], 0]
    for (let done = 0; done < bytes.length; ) done += (await this.#handle.write(bytes, done)).bytesWritten
  }

  close = (): Promise<void> => this.#handle.close()
}

/** Reads packets: nearly all lie one after the other, so that much is read at once. A chunk that is done is closed when the next one is read. */
export class Sources {
  readonly #open = new Map<string, { handle: FileHandle; bytes: Buffer; from: number }>()

  async read(path: string, offset: number, size: number): Promise<Buffer> {
    const source = await this.#source(path)
    const at = offset - source.from
    if (at >= 0 && at + size <= source.bytes.length) return source.bytes.subarray(at, at + size)
    const { buffer, bytesRead } = await source.handle.read(Buffer.alloc(Math.max(size, WINDOW_BYTES)), 0, null, offset)
    source.bytes = buffer.subarray(0, bytesRead)
    source.from = offset
    if (bytesRead < size) throw new Error(`${path} is shorter than its index says`)
    return source.bytes.subarray(0, size)
  }

  async #source(path: string) {
    const known = this.#open.get(path)
    if (known) {
      // The last one used is the last one to be closed.
      this.#open.delete(path)
      this.#open.set(path, known)
      return known
    }
    if (this.#open.size >= OPEN_MAX) {
      const [oldest, { handle }] = this.#open.entries().next().value!
      this.#open.delete(oldest)
      await handle.close()
    }
    const source = { handle: await open(fsPath(path), 'r'), bytes: Buffer.alloc(0), from: 0 }
    this.#open.set(path, source)
    return source
  }

  async close(): Promise<void> {
    for (const { handle } of this.#open.values()) await handle.close()
  }
}

/** Number of files that are open at once. */
const OPEN_MAX = 16
