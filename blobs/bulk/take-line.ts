/**
 * The taker's side of bulk lines. A peer whose line cannot be reached (an older one, or one behind a firewall or an address translation) is
 * remembered for `REFUSED_MS`, so that not every fetch waits for the same time-out; a new connection of it ends that.
 */
import type { SocketConstructorOpts } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Clock, deadline } from '../../protocol/clock.ts'
import { PeerUnreachable, sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Log } from '../../protocol/log.ts'
import type { Mesh, MeshStream } from '../../protocol/mesh.ts'
import { readLine } from '../blob-wire.ts'
import { LineSource, lineStream, RECORD_BYTES } from './line-stream.ts'
import {
  bindingOf,
  decodeOffer,
  encodeMessage,
  isConfirmation,
  isMadeByKey,
  LINE_TLS,
  type LineOffer,
  OFFER_MS,
} from './line-wire.ts'

/** How long a line that could not be had is not tried again. */
const REFUSED_MS = 5 * 60_000

/** Opens bulk lines. */
export interface LineTaker {
  /** A line to a connected peer; null where there is none, now or as it was a short while ago. Rejects with the signal's reason only. */
  open(peer: PeerId, signal: AbortSignal): Promise<MeshStream | null>
  /** Has the peer remembered as one without a line: it was there, and brought nothing. */
  refuse(peer: PeerId, why: string): void
}

/** What lines are agreed over. */
export interface LineTakerOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly log: Log
}

/** The taker's side of lines over this mesh. */
export function createLineTaker(options: LineTakerOptions): LineTaker {
  const { mesh, clock, log } = options
  const refusedUntil = new Map<PeerId, number>()
  mesh.listen({ onConnected: (peer) => refusedUntil.delete(peer) })

  const isRefused = (peer: PeerId): boolean => (refusedUntil.get(peer) ?? 0) > clock.mono()
  const refuse = (peer: PeerId, why: string) => {
    if (isRefused(peer)) return
    refusedUntil.set(peer, clock.mono() + REFUSED_MS)
    log.info('no bulk line to this peer; its blobs come over the mesh connection', { peer, why })
  }
  return {
    refuse,
    open: async (peer, signal) => {
      if (isRefused(peer) || !mesh.peers().includes(peer)) return null
      try {
        const line = await openLine(peer, options, deadline(clock, OFFER_MS, signal))
        log.debug('bulk line opened', { peer })
        return line
      } catch (error) {
        signal.throwIfAborted()
        refuse(peer, sentence(error))
        return null
      }
    },
  }
}

async function openLine(peer: PeerId, { mesh }: LineTakerOptions, signal: AbortSignal): Promise<MeshStream> {
  const stream = await mesh.open(peer, 'line', signal)
  const leave = () => stream.abort(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  let socket: TLSSocket | undefined
  try {
    const { line, rest } = await readLine(stream.source)
    const offer = decodeOffer(line)
    if (offer === null) throw new PeerUnreachable('it offers none')
    if (stream.host === undefined) throw new PeerUnreachable('its address is unknown')
    const source = new LineSource(peer)
    socket = await connectTo(stream.host, offer, { source, signal })
    const binding = bindingOf(socket, { giver: peer, taker: mesh.self })
    await stream.sink([encodeMessage({ v: 1, binding })])
    if (!isConfirmation((await readLine(rest)).line)) throw new PeerUnreachable('it does not know this line')
    return lineStream(socket, { peer, source })
  } catch (error) {
    socket?.destroy()
    stream.abort(new Error('no longer wanted'))
    throw error
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** A session with the key of the offer. Rejects with the reason of the signal, and where the other end does not have the key. */
function connectTo(
  host: string,
  { port, id, key }: LineOffer,
  { source, signal }: { source: LineSource; signal: AbortSignal },
): Promise<TLSSocket> {
  const buffer = new Uint8Array(RECORD_BYTES)
  const options: ConnectionOptions & Pick<SocketConstructorOpts, 'onread'> = {
    ...LINE_TLS,
    host,
    port,
    pskCallback: () => ({ psk: Buffer.from(key, 'hex'), identity: id }),
    // Who has the key is no question of certificates; none is taken, whoever signed it.
    ca: [],
    checkServerIdentity: () => undefined,
    onread: { buffer, callback: (bytes) => source.take(buffer.subarray(0, bytes)) },
  }
  const socket = connect(options)
  source.attach(socket)
  return new Promise((resolve, reject) => {
    const leave = () => socket.destroy(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    socket.once('error', reject)
    socket.once('close', () => reject(new PeerUnreachable('the connection closed')))
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', leave)
      if (isMadeByKey(socket)) resolve(socket)
      else socket.destroy(new PeerUnreachable('the session was not made by the key'))
    })
  })
}
