/**
 * `/reelmesh/status/1`: any peer, or a client that holds the swarm key, asks a node for its status snapshot. The answer is
 * one JSON value of at most `STATUS_BYTES_MAX` bytes; its content is not checked here.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { pipe } from 'it-pipe'
import { type Clock, deadline } from '../protocol/clock.ts'
import { PeerUnreachable, sentence } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { STATUS_BYTES_MAX, STREAM_SILENCE_MS } from '../protocol/limits.ts'
import type { Mesh, MeshStream } from '../protocol/mesh.ts'
import { parseAddress } from './addresses.ts'
import { createClientNode, protocolName } from './libp2p-node.ts'
import { meshStream } from './streams.ts'
import { parseSwarmKey } from './swarm-key.ts'

/** Asks peers for their status snapshot. */
export interface StatusExchange {
  /** The peer's snapshot, not validated. Rejects with `PeerUnreachable`. */
  ask(peer: PeerId, signal: AbortSignal): Promise<unknown>
}

/** Makes the exchange and registers the handler that answers other peers with `snapshot`. Call it before `mesh.start`. */
export function createStatusExchange(options: {
  mesh: Mesh
  clock: Clock
  snapshot: () => Promise<object>
}): StatusExchange {
  const { mesh, clock, snapshot } = options
  mesh.handle('status', async (stream) => {
    const bytes = new TextEncoder().encode(JSON.stringify(await snapshot()))
    if (bytes.byteLength > STATUS_BYTES_MAX)
      throw new RangeError(`the status of this node has ${bytes.byteLength} bytes, more than ${STATUS_BYTES_MAX}`)
    await pipe([bytes], stream.sink)
  })
  return {
    ask: async (peer, signal) => {
      const inTime = deadline(clock, STREAM_SILENCE_MS, signal)
      return readStatus(await mesh.open(peer, 'status', inTime), inTime)
    },
  }
}

/**
 * Asks the node at a multiaddr, from a process that is no peer: for `reelmesh status --peer`. Throws `PeerUnreachable`, or
 * `UsageError` where the address or key is wrong.
 */
export async function askAddress(options: {
  address: string
  swarmKey?: Uint8Array | string
  signal: AbortSignal
}): Promise<unknown> {
  const { address, swarmKey, signal } = options
  const target = multiaddr(parseAddress(address, 'The peer address').toString())
  const node = await createClientNode(swarmKey === undefined ? undefined : parseSwarmKey(swarmKey))
  await node.start()
  try {
    const connection = await node.dial(target, { signal })
    const stream = await connection.newStream(protocolName('status'), { signal, negotiateFully: true })
    return await readStatus(meshStream(stream, asPeerId(connection.remotePeer.toString())), signal)
  } catch (error) {
    if (error instanceof PeerUnreachable) throw error
    const question = swarmKey === undefined ? 'does that mesh have a key?' : 'is it the key of that mesh?'
    throw new PeerUnreachable(
      `No answer from ${address} (${sentence(error)}); is a node running there, and ${question}`,
      error,
    )
  } finally {
    await node.stop()
  }
}

async function readStatus(stream: MeshStream, signal: AbortSignal): Promise<unknown> {
  const leave = () => stream.abort(new Error('no longer wanted'))
  signal.addEventListener('abort', leave, { once: true })
  try {
    await stream.sink([])
    const pieces: Uint8Array[] = []
    let bytes = 0
    for await (const piece of stream.source) {
      bytes += piece.byteLength
      if (bytes > STATUS_BYTES_MAX)
        throw new PeerUnreachable(`the status of peer ${stream.peer} exceeds ${STATUS_BYTES_MAX} bytes`)
      pieces.push(piece)
    }
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch (error) {
    leave()
    if (!(error instanceof SyntaxError)) throw error
    throw new PeerUnreachable(`peer ${stream.peer} sent an invalid status`, error)
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
