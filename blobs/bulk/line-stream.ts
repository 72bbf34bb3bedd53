/**
 * A TLS connection in the shape of a mesh stream, so that requests and answers are the same on both. What arrives is copied into two pieces of
 * memory in turn, each of `WINDOW_BYTES`: one is filled while the other is read. Node would allocate for every record of 16 KiB, which
 * costs as much CPU as the encryption.
 */
import type { TLSSocket } from 'node:tls'
import { PeerUnreachable } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { MeshStream } from '../../protocol/mesh.ts'

const WINDOW_BYTES = 1024 * 1024
/** Node reads 64 KiB at once, and passes them on by records also after it was told to pause. */
const SLACK_BYTES = 256 * 1024
/** The largest record of TLS. */
export const RECORD_BYTES = 16 * 1024

/** Bytes of a connection, in their order. A piece stays as it is until the next one is asked for. */
export class LineSource implements AsyncIterable<Uint8Array> {
  readonly #peer: PeerId
  #filling = new Uint8Array(WINDOW_BYTES)
  #reading = new Uint8Array(WINDOW_BYTES)
  #filled = 0
  #isEnded = false
  #failure: Error | undefined
  #wake: () => void = () => {}
  #resume: () => void = () => {}

  constructor(peer: PeerId) {
    this.#peer = peer
  }

  /** Follows the end of a connection. */
  attach(socket: TLSSocket): void {
    this.#resume = () => socket.resume()
    socket.once('end', () => {
      this.#isEnded = true
      this.#wake()
    })
    socket.once('error', (error) => this.fail(error))
    socket.once('close', () => this.fail(new Error('the connection closed')))
    if (socket.destroyed) this.fail(new Error('the connection closed'))
  }

  /** Takes bytes; false where the connection should pause until it is resumed. */
  take(bytes: Uint8Array): boolean {
    if (this.#filled + bytes.byteLength > WINDOW_BYTES) {
      this.fail(new RangeError('the connection did not pause'))
      return false
    }
    this.#filling.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    this.#wake()
    return this.#filled <= WINDOW_BYTES - SLACK_BYTES
  }

  /** The reader gets `PeerUnreachable` with this cause, once it has read what arrived; after the end there is nothing left to fail. */
  fail(reason: Error): void {
    this.#failure ??= reason
    this.#wake()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() }
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      if (this.#filled > 0) {
        const piece = this.#filling.subarray(0, this.#filled)
        ;[this.#filling, this.#reading, this.#filled] = [this.#reading, this.#filling, 0]
        this.#resume()
        return { done: false, value: piece }
      }
      if (this.#isEnded) return { done: true, value: undefined }
      if (this.#failure) throw new PeerUnreachable(`the bulk line of ${this.#peer} broke`, this.#failure)
      await new Promise<void>((resolve) => {
        // Records that arrive together are read together.
        this.#wake = () => setImmediate(resolve)
      })
      this.#wake = () => {}
    }
  }
}

/**
 * The stream of an established connection. Its sink leaves the connection open, as proxies may end one that is half closed: the giver closes it
 * after its answer.
 */
export function lineStream(socket: TLSSocket, { peer, source }: { peer: PeerId; source: LineSource }): MeshStream {
  return {
    peer,
    source,
    isPieceByPiece: true,
    sink: async (pieces) => {
      try {
        for await (const piece of pieces) await write(socket, piece)
      } catch (error) {
        socket.destroy()
        throw error
      }
    },
    abort: (reason) => {
      source.fail(reason)
      socket.destroy()
    },
  }

  /** Resolves when the kernel has the bytes, so that one piece is in memory. */
  function write(to: TLSSocket, piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      to.write(piece, (error) =>
        error ? reject(new PeerUnreachable(`the bulk line to ${peer} broke`, error)) : resolve(),
      ),
    )
  }
}
