/**
 * yamux with a bound on the size of an incomplete frame. A yamux frame gives its length, up to 4 GiB, and the decoder of
 * `@libp2p/yamux` 8 collects bytes until the frame is complete *before* it compares the length with the stream's window: one peer
 * could fill the memory of another. Here a frame larger than the window is a protocol error at once.
 */
import type { StreamMuxerFactory } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { STREAM_WINDOW_BYTES } from '../protocol/limits.ts'

/** Inbound streams of one connection, all protocols together; each protocol has its own, smaller, limit. */
const INBOUND_STREAMS = 256

interface Decoder {
  readonly buffer: { readonly byteLength: number }
  emitFrames(bytes: { readonly byteLength: number }): Generator<unknown>
}

/** The stream muxer yamux with that bound. */
export function guardedYamux(): () => StreamMuxerFactory {
  const inner = yamux({
    maxInboundStreams: INBOUND_STREAMS,
    maxOutboundStreams: 2 * INBOUND_STREAMS,
    // The initial window is 256 KiB and grows to this, below the read buffer of 4 MiB: what makes back-pressure real.
    streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES },
  })
  return () => {
    const factory = inner()
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection) => {
        const muxer = factory.createStreamMuxer(connection)
        guard((muxer as unknown as { decoder: Decoder }).decoder)
        return muxer
      },
    }
  }
}

/** INVARIANT: what is left undecoded is less than one frame. Throwing makes yamux abort the connection. */
function guard(decoder: Decoder): void {
  const emitFrames = decoder.emitFrames.bind(decoder)
  decoder.emitFrames = function* (bytes) {
    yield* emitFrames(bytes)
    if (decoder.buffer.byteLength > STREAM_WINDOW_BYTES + 12) throw new Error('a yamux frame is larger than its window')
  }
}
