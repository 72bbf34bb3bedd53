/**
 * libp2p streams with working back-pressure, in the duplex shape that it-pipe joins.
 *
 * libp2p's own iterators buffer without bound (`for await`, `messageStreamToDuplex`) or reset at 4 MiB (`byteStream`),
 * and `onDrain()` works only once. Therefore the source queues `message` events, pauses the stream at
 * `STREAM_WINDOW_BYTES` and resumes it when the queue is empty; the sink sends in small pieces and waits, whenever one
 * was not accepted at once, until libp2p's write buffer is *empty*. Waiting for the `drain` event alone is not enough: it
 * comes with every window update, however small, and the buffer would grow by a piece each time.
 *
 * No timeouts: the user of a stream knows how long silence may last.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { PeerUnreachable } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/ids.ts'
import { STREAM_WINDOW_BYTES } from '../protocol/limits.ts'
import type { MeshStream } from '../protocol/mesh.ts'

/** Size of one `send`: small against the window, large against the cost of a frame. */
const PIECE_BYTES = 64 * 1024

/** Wraps a libp2p stream. `heard` is called for all bytes that arrive: a peer that sends data is alive. */
export function meshStream(stream: Stream, peer: PeerId, heard: () => void = () => {}): MeshStream {
  const source = new Source(stream, peer, heard)
  return {
    peer,
    source,
    sink: (bytes) => drainInto(stream, peer, bytes),
    abort: (reason) => {
      source.fail(reason)
      if (stream.status !== 'aborted' && stream.status !== 'reset') stream.abort(reason)
    },
  }
}

/**
 * Ends a stream after its handler has answered: closes the writing end, and drops what the other side still sends until it closes
 * its own end. When `abandon` aborts first, so does the stream. Never rejects.
 */
export async function finishStream(stream: Stream, mesh: MeshStream, abandon: AbortSignal): Promise<void> {
  const giveUp = () => mesh.abort(new Error('the other side did not close the stream'))
  abandon.addEventListener('abort', giveUp, { once: true })
  try {
    if (stream.writeStatus === 'writable') await stream.close({ signal: abandon })
    for await (const _ of mesh.source);
  } catch {
    giveUp()
  } finally {
    abandon.removeEventListener('abort', giveUp)
  }
}

/**
 * What has arrived and was not read yet. INVARIANT: `#queuedBytes` is the length of `#queue` in bytes, and the stream is paused
 * while it is `STREAM_WINDOW_BYTES` or more.
 *
 *   open     → ended    the other side closed its writing end, and everything has arrived
 *            → broken   reset, connection lost, or `fail`: the reader gets `PeerUnreachable`
 *            → left     the reader stopped early: what arrives later is dropped
 */
class Source implements AsyncIterable<Uint8Array> {
  readonly #stream: Stream
  readonly #peer: PeerId
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #state: 'open' | 'ended' | 'broken' | 'left' = 'open'
  #failure: Error | undefined
  #wake: (() => void) | undefined
  /**
   * A stream that was reset, or whose connection is gone, raises `end` and `close` as well, and may do so without an error. Only
   * `remoteCloseWrite` means that everything has arrived.
   */
  #isFinished: boolean

  constructor(stream: Stream, peer: PeerId, heard: () => void) {
    this.#stream = stream
    this.#peer = peer
    this.#isFinished = isOpen(stream) && stream.remoteWriteStatus === 'closed'
    stream.addEventListener('remoteCloseWrite', () => {
      this.#isFinished = true
    })
    stream.addEventListener('message', ({ data }) => {
      heard()
      this.#take(data)
    })
    stream.addEventListener('end', () => this.#onEnd())
    stream.addEventListener('close', (event) => {
      // Closed by the other side with bytes still unread: they come first, then `end`.
      if (event.error === undefined && stream.readBufferLength > 0) this.#wake?.()
      else this.#onEnd(event.error)
    })
    if (stream.readableEnded || !isOpen(stream)) this.#onEnd()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next(), return: () => this.#leave() }
  }

  /** Drops what is queued; the reader gets `PeerUnreachable` with this cause. */
  fail(reason: Error): void {
    this.#settle('broken', reason)
    this.#clear()
  }

  #take(data: StreamMessageEvent['data']): void {
    if (this.#state === 'left' || this.#state === 'broken') return
    for (const piece of data instanceof Uint8Array ? [data] : data) this.#queue.push(piece)
    this.#queuedBytes += data.byteLength
    if (this.#queuedBytes >= STREAM_WINDOW_BYTES && this.#stream.readStatus === 'readable') this.#stream.pause()
    this.#wake?.()
  }

  #onEnd(error?: Error): void {
    this.#settle(this.#isFinished ? 'ended' : 'broken', error)
  }

  #settle(next: 'ended' | 'broken' | 'left', error?: Error): void {
    if (this.#state === 'open') [this.#state, this.#failure] = [next, error]
    this.#wake?.()
  }

  #clear(): void {
    this.#queue.length = this.#queuedBytes = 0
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const piece = this.#queue.shift()
      if (piece !== undefined) {
        this.#queuedBytes -= piece.byteLength
        return { done: false, value: piece }
      }
      if (this.#stream.readStatus === 'paused') this.#stream.resume()
      if (this.#queue.length > 0) continue
      if (this.#state === 'broken') throw new PeerUnreachable(`the stream from ${this.#peer} broke`, this.#failure)
      if (this.#state !== 'open') return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  /** The reader stops early. yamux cannot close the reading end alone, so that the stream ends for both sides. */
  async #leave(): Promise<IteratorResult<Uint8Array>> {
    const wasOpen = this.#state === 'open'
    this.#settle('left')
    this.#clear()
    if (wasOpen && !this.#stream.readableEnded) this.#stream.abort(new Error('the reader stopped early'))
    return { done: true, value: undefined }
  }
}

async function drainInto(
  stream: Stream,
  peer: PeerId,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const bytes of source) {
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
        const taken = stream.send(bytes.subarray(at, at + PIECE_BYTES))
        if (!taken) await emptied(stream)
      }
    }
    await closeWriting(stream)
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error))
    stream.abort(reason)
    throw isStreamError(reason) ? new PeerUnreachable(`the stream to ${peer} broke`, reason) : reason
  }
}

/** libp2p's `close` waits for `drain` only when it must. With a reader that reads nothing it waits without end, as any sink does. */
async function closeWriting(stream: Stream): Promise<void> {
  if (!isEmpty(stream)) await emptied(stream)
  await stream.close()
}

const isOpen = (stream: Stream) => stream.status === 'open' || stream.status === 'closing'
const isEmpty = (stream: Stream) => stream.writeBufferLength === 0 && !stream.writableNeedsDrain

/** Resolves when nothing is left in the write buffer; rejects when the stream closes first. */
function emptied(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      stream.removeEventListener('drain', onProgress)
      stream.removeEventListener('idle', onProgress)
      stream.removeEventListener('close', onClose)
    }
    // libp2p itself reacts to `drain` in a microtask: check after that.
    const onProgress = () => queueMicrotask(() => queueMicrotask(look))
    const look = () => {
      if (!isEmpty(stream)) return
      finish()
      resolve()
    }
    const onClose = (event: { error?: Error }) => {
      finish()
      reject(event.error ?? named('StreamClosedError', 'the stream closed while it was written to'))
    }
    stream.addEventListener('drain', onProgress)
    stream.addEventListener('idle', onProgress)
    stream.addEventListener('close', onClose)
    if (!isOpen(stream)) onClose({})
    else look()
  })
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

/** Whether libp2p raised this for a stream or connection that is gone; otherwise it is an error of the source that is piped in. */
function isStreamError(error: Error): boolean {
  return /^(Stream|Connection|Muxer|Abort|Timeout|Transport)/.test(error.name)
}
