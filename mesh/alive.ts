/**
 * `/reelmesh/alive/1`: one long-lived stream each way per connection and a byte a second. A connection on which
 * nothing arrives for `SILENCE_MS` is aborted: that finds a stopped or cut-off peer in 1.6–2.6 s, at a fraction of the cost of
 * libp2p's connection monitor. Bytes of any other stream count too, so that a link full of video is not silent.
 *
 * Suspended for a while after a stall of this process. A connection whose peer never sent an alive byte (a client that asks
 * for a status, a foreign program) gets `STREAM_SILENCE_MS`.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { type Clock, deadline } from '../protocol/clock.ts'
import { ALIVE_MS, DIAL_TIMEOUT_MS, SILENCE_MS, STREAM_SILENCE_MS } from '../protocol/limits.ts'
import { protocolName } from './libp2p-node.ts'
import type { StallWatch } from './stall-watch.ts'

/** The name of the alive protocol on the wire. */
export const ALIVE = protocolName('alive')
const BEAT = new Uint8Array([1])

interface Watched {
  heardAt: number
  hasBeaten: boolean
  cancel: () => void
}

/** The alive streams of all connections. */
export interface Alive {
  /** Writes to and watches the connection until it closes. */
  watch(connection: Connection): void
  /** Handler of inbound alive streams. */
  receive(stream: Stream, connection: Connection): void
  /** Bytes arrived on this connection. */
  heard(connection: Connection): void
}

/** Makes the alive streams; none runs before `watch`. */
export function createAlive(options: {
  clock: Clock
  stalls: StallWatch
  onFirstBeat: (connection: Connection) => void
  onSilent: (connection: Connection) => void
}): Alive {
  const { clock, stalls } = options
  const watched = new WeakMap<Connection, Watched>()

  const heard = (connection: Connection) => {
    const state = watched.get(connection)
    if (state) state.heardAt = clock.mono()
  }

  const checkSilence = (connection: Connection, state: Watched) => {
    if (connection.status !== 'open') return
    const now = clock.mono()
    const limitMs = state.hasBeaten ? SILENCE_MS : STREAM_SILENCE_MS
    const waitMs = Math.max(state.heardAt + limitMs, stalls.graceUntil()) - now
    if (waitMs <= 0) return options.onSilent(connection)
    state.cancel = clock.timer(Math.ceil(waitMs), () => checkSilence(connection, state))
  }

  const watch = (connection: Connection) => {
    if (watched.has(connection)) return
    const state: Watched = { heardAt: clock.mono(), hasBeaten: false, cancel: () => {} }
    watched.set(connection, state)
    checkSilence(connection, state)
    connection.addEventListener('close', () => state.cancel(), { once: true })
    void beat(connection, clock)
  }

  const receive = (stream: Stream, connection: Connection) => {
    watch(connection)
    stream.addEventListener('message', () => {
      const state = watched.get(connection)
      if (!state) return
      state.heardAt = clock.mono()
      if (state.hasBeaten) return
      state.hasBeaten = true
      // The shorter limit applies from here on: set the timer again.
      state.cancel()
      checkSilence(connection, state)
      options.onFirstBeat(connection)
    })
    closeBehind(stream)
  }

  return { watch, receive, heard }
}

async function beat(connection: Connection, clock: Clock): Promise<void> {
  try {
    const stream = await connection.newStream(ALIVE, { signal: deadline(clock, DIAL_TIMEOUT_MS) })
    closeBehind(stream)
    const send = () => {
      if (stream.status !== 'open' || stream.writeStatus !== 'writable') return
      // A full socket has bytes on the way already, and those count too.
      if (!stream.writableNeedsDrain) stream.send(BEAT)
      cancel = clock.timer(ALIVE_MS, send)
    }
    let cancel = () => {}
    stream.addEventListener('close', () => cancel(), { once: true })
    send()
  } catch {
    // No alive stream there: not a peer of the mesh, or the connection is already gone.
  }
}

/** Drops bytes that arrive on the unused half of an alive stream. */
function closeBehind(stream: Stream): void {
  stream.addEventListener('message', () => {})
}
