/**
 * libp2p streams with back-pressure that is real, in the duplex shape that it-pipe joins.
 *
 * libp2p's own iterators buffer without bound (`for await`, `messageStreamToDuplex`) or reset at 4 MiB (`byteStream`),
 * and `onDrain()` is good for one use. So: the source queues `message` events, pauses the stream at
 * `STREAM_WINDOW_BYTES` and resumes it when the queue is empty; the sink sends in small pieces and waits, whenever one
 * was not taken at once, until libp2p's write buffer is *empty*. Waiting for the `drain` event alone is not enough: it
 * comes with every window update, however small, and the buffer would grow by a piece each time.
 *
 * Left out: timeouts. Whoever uses a stream knows how long silence may last.
 */
import type { Stream } from '@libp2p/interface'
import { PeerUnreachable } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/ids.ts'
import { STREAM_WINDOW_BYTES } from '../protocol/limits.ts'
import type { MeshStream } from '../protocol/mesh.ts'

/** What one `send` is given: small against the window, large against the cost of a frame. */
const PIECE_BYTES = 64 * 1024

/** `heard` is called for all bytes that arrive: a peer that sends data is alive. */
export function meshStream(stream: Stream, peer: PeerId, heard: () => void = () => {}): MeshStream {
  const source = createSource(stream, peer, heard)
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
 * After a handler has answered: closes the writing end, and drops what the other side still sends until it closes its
 * own end. `abandon` comes when that takes too long.
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

interface Source extends AsyncIterable<Uint8Array> {
  /** What is queued is dropped; whoever reads is told. */
  fail(reason: Error): void
}

function createSource(stream: Stream, peer: PeerId, heard: () => void): Source {
  const queue: Uint8Array[] = []
  let queuedBytes = 0
  let state: 'open' | 'ended' | 'broken' | 'left' = 'open'
  let failure: Error | undefined
  let wake: (() => void) | undefined
  // A stream that was reset, or whose connection is gone, fires `end` and `close` as well, and may do so without an error.
  // Only the other side's own closing of its end says that all has come.
  let isFinished = isOpen(stream) && stream.remoteWriteStatus === 'closed'
  stream.addEventListener('remoteCloseWrite', () => {
    isFinished = true
  })
  const settle = (next: typeof state, error?: Error) => {
    if (state === 'open') [state, failure] = [next, error]
    wake?.()
  }

  stream.addEventListener('message', ({ data }) => {
    heard()
    if (state === 'left' || state === 'broken') return
    for (const piece of data instanceof Uint8Array ? [data] : data) queue.push(piece)
    queuedBytes += data.byteLength
    if (queuedBytes >= STREAM_WINDOW_BYTES && stream.readStatus === 'readable') stream.pause()
    wake?.()
  })
  const onEnd = (error?: Error) => settle(isFinished ? 'ended' : 'broken', error)
  stream.addEventListener('end', () => onEnd())
  stream.addEventListener('close', (event) => {
    // Closed by the other side with bytes still unread: they come first, `end` follows them.
    if (event.error === undefined && stream.readBufferLength > 0) return wake?.()
    onEnd(event.error)
  })
  if (stream.readableEnded || !isOpen(stream)) onEnd()

  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    for (;;) {
      const piece = queue.shift()
      if (piece !== undefined) {
        queuedBytes -= piece.byteLength
        return { done: false, value: piece }
      }
      if (stream.readStatus === 'paused') stream.resume()
      if (queue.length > 0) continue
      if (state === 'broken') throw new PeerUnreachable(`the stream from ${peer} broke`, failure)
      if (state !== 'open') return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = undefined
    }
  }
  const clear = () => {
    queue.length = queuedBytes = 0
  }
  const iterator: AsyncIterator<Uint8Array> = {
    next,
    // A reader that leaves early: yamux cannot close the reading end, so the stream ends for both sides.
    return: async () => {
      const wasOpen = state === 'open'
      settle('left')
      clear()
      if (wasOpen && !stream.readableEnded) stream.abort(new Error('the reader left'))
      return { done: true, value: undefined }
    },
  }
  const fail = (reason: Error) => {
    settle('broken', reason)
    clear()
  }
  return { [Symbol.asyncIterator]: () => iterator, fail }
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

/** libp2p's `close` waits for `drain` only when it must; it may wait for ever on a reader that is stuck, as a sink does. */
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
    // libp2p itself reacts to `drain` in a microtask: look after it did.
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

/** Errors that libp2p raises for a stream or connection that is gone, as against those of the source that is piped in. */
function isStreamError(error: Error): boolean {
  return /^(Stream|Connection|Muxer|Abort|Timeout|Transport)/.test(error.name)
}
