/**
 * A pair of streams in memory with the manners of the real ones: bounded buffers that make a sink wait, half-close, abort
 * seen by both sides, delivery after a latency. Freezing and partitions do not hold bytes back; they break the link later.
 */
import { PeerUnreachable } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { STREAM_WINDOW_BYTES } from '../../protocol/limits.ts'
import type { MeshStream } from '../../protocol/mesh.ts'

export interface MemoryStream extends MeshStream {
  /** After a handler: closes the writing end and drops what still comes. */
  finish(): void
}

interface StreamPairOptions {
  readonly near: PeerId
  readonly far: PeerId
  /** Runs the act when it has travelled. Keeps order. */
  readonly deliver: (act: () => void) => void
  readonly onClosed: () => void
}

export function memoryStreams(options: StreamPairOptions): [MemoryStream, MemoryStream, (reason: Error) => void] {
  const { near, far, deliver, onClosed } = options
  const there = createPipe(deliver)
  const back = createPipe(deliver)
  const closed = () => {
    if (there.isOver() && back.isOver()) onClosed()
  }
  const breakBoth = (reason: Error) => {
    there.fail(reason)
    back.fail(reason)
    onClosed()
  }
  const end = (peer: PeerId, writes: Pipe, reads: Pipe): MemoryStream => ({
    peer,
    source: reads.read(() => breakBoth(new PeerUnreachable('the reader left'))),
    sink: async (source) => {
      try {
        for await (const bytes of source) await writes.write(bytes)
        writes.end()
        closed()
      } catch (error) {
        breakBoth(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
    abort: breakBoth,
    finish: () => {
      writes.end()
      reads.drop()
      closed()
    },
  })
  return [end(far, there, back), end(near, back, there), breakBoth]
}

interface Pipe {
  write(bytes: Uint8Array): Promise<void>
  end(): void
  fail(reason: Error): void
  drop(): void
  isOver(): boolean
  read(onLeft: () => void): AsyncIterable<Uint8Array>
}

function createPipe(deliver: (act: () => void) => void): Pipe {
  const queue: Uint8Array[] = []
  let inFlight = 0
  let isEnded = false
  let hasEndArrived = false
  let isDropped = false
  let failure: PeerUnreachable | null = null
  let changed = Promise.withResolvers<void>()
  const change = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }

  const write = async (bytes: Uint8Array) => {
    while (!failure && !isDropped && inFlight >= STREAM_WINDOW_BYTES) await changed.promise
    if (failure) throw failure
    if (isEnded) throw new PeerUnreachable('written to after its end')
    if (isDropped || bytes.byteLength === 0) return
    inFlight += bytes.byteLength
    const copy = bytes.slice()
    deliver(() => {
      if (!isDropped) queue.push(copy)
      change()
    })
  }

  async function* read(onLeft: () => void): AsyncGenerator<Uint8Array> {
    let isDone = false
    try {
      for (;;) {
        const piece = queue.shift()
        if (piece) {
          inFlight -= piece.byteLength
          change()
          yield piece
        } else if (failure) throw failure
        else if (hasEndArrived) {
          isDone = true
          return
        } else await changed.promise
      }
    } finally {
      if (!isDone && !failure) onLeft()
    }
  }

  return {
    write,
    read: (onLeft) => once(read(onLeft)),
    end: () => {
      if (isEnded) return
      isEnded = true
      deliver(() => {
        hasEndArrived = true
        change()
      })
    },
    fail: (reason) => {
      failure ??=
        reason instanceof PeerUnreachable ? reason : new PeerUnreachable(`the stream broke: ${reason.message}`, reason)
      queue.length = 0
      change()
    },
    drop: () => {
      isDropped = true
      queue.length = 0
      change()
    },
    isOver: () => isEnded || failure !== null,
  }
}

/** One reader, however often iteration begins: a header may be read first and the rest later. */
function once(generator: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => generator }
}
