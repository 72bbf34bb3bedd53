/**
 * `/reelmesh/status/1`: a member of the mesh asks a node for its status snapshot. The asker is the peer of the connection, or, for
 * `reelmesh status --peer`, which is no peer, the identity of a data folder: it signs both ends of the connection with its key, so that
 * nobody else can use the signature. The answer is one JSON value of at most `STATUS_BYTES_MAX` bytes; its content is not checked here.
 */
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { pipe } from 'it-pipe'
import { z } from 'zod'
import { type Clock, deadline, within } from '../protocol/clock.ts'
import { PeerUnreachable, sentence } from '../protocol/errors.ts'
import { asPeerId, isPeerId, type PeerId } from '../protocol/ids.ts'
import { HEADER_BYTES_MAX, STATUS_BYTES_MAX, STREAM_SILENCE_MS } from '../protocol/limits.ts'
import type { Mesh, MeshStream } from '../protocol/mesh.ts'
import { parseAddress } from './addresses.ts'
import { readIdentity } from './identity.ts'
import { createClientNode, protocolName } from './libp2p-node.ts'
import { meshStream } from './streams.ts'
import { parseSwarmKey } from './swarm-key.ts'

/** Asks peers for their status snapshot. */
export interface StatusExchange {
  /** The peer's snapshot, not validated. Rejects with `PeerUnreachable`, also where the peer does not know this one as a member. */
  ask(peer: PeerId, signal: AbortSignal): Promise<unknown>
}

/** The answer to an asker that is no member. */
const REFUSED = { v: 1, refused: 'no member' } as const
const isRefusal = (answer: unknown): boolean => (answer as typeof REFUSED | null)?.refused === REFUSED.refused

const askerSchema = z.object({ v: z.literal(1), peer: z.string().refine(isPeerId), signature: z.base64() })

/** What an identity signs to ask `server` over a connection of `client`. */
const signedText = (client: PeerId, server: PeerId): Uint8Array =>
  new TextEncoder().encode(`reelmesh status asked by ${client} of ${server}`)

/**
 * Makes the exchange and registers the handler that answers members with `snapshot`. Call it before `mesh.start`. `admits`: whether a peer is
 * a member; never rejects.
 */
export function createStatusExchange(options: {
  mesh: Mesh
  clock: Clock
  admits: (peer: PeerId) => Promise<boolean>
  snapshot: () => Promise<object>
}): StatusExchange {
  const { mesh, clock, admits, snapshot } = options
  mesh.handle('status', async (stream) => {
    const asked = await within(clock, STREAM_SILENCE_MS, readAll(stream, HEADER_BYTES_MAX))
    if (asked === 'late') throw new PeerUnreachable(`peer ${stream.peer} did not finish its question`)
    const isMember = await admits((await signerOf(asked, stream.peer, mesh.self)) ?? stream.peer)
    const bytes = new TextEncoder().encode(JSON.stringify(isMember ? await snapshot() : REFUSED))
    if (bytes.byteLength > STATUS_BYTES_MAX)
      throw new RangeError(`the status of this node has ${bytes.byteLength} bytes, more than ${STATUS_BYTES_MAX}`)
    await pipe([bytes], stream.sink)
  })
  return {
    ask: async (peer, signal) => {
      const inTime = deadline(clock, STREAM_SILENCE_MS, signal)
      const answer = await readStatus(await mesh.open(peer, 'status', inTime), [], inTime)
      if (isRefusal(answer)) throw new PeerUnreachable(`peer ${peer} does not know this one as a member`)
      return answer
    },
  }
}

/** The identity that signed the question; null where none did, or wrongly. */
async function signerOf(question: Uint8Array, client: PeerId, server: PeerId): Promise<PeerId | null> {
  try {
    const { peer, signature } = askerSchema.parse(JSON.parse(Buffer.from(question).toString('utf8')))
    const isSigned = await peerIdFromString(peer).publicKey?.verify(
      signedText(client, server),
      Buffer.from(signature, 'base64'),
    )
    return isSigned === true ? asPeerId(peer) : null
  } catch {
    return null
  }
}

/** The question of an identity. */
async function signedQuestion(key: PrivateKey, client: PeerId, server: PeerId): Promise<Uint8Array> {
  const signature = Buffer.from(await key.sign(signedText(client, server))).toString('base64')
  return new TextEncoder().encode(JSON.stringify({ v: 1, peer: peerIdFromPrivateKey(key).toString(), signature }))
}

/**
 * Asks the node at a multiaddr, as the identity in `dataDir`, from a process that is no peer: for `reelmesh status --peer`. Throws
 * `PeerUnreachable`, also where that identity is no member of the mesh, or `UsageError` where the address or a key is wrong.
 */
export async function askAddress(options: {
  address: string
  dataDir: string
  swarmKey?: Uint8Array | string
  signal: AbortSignal
}): Promise<unknown> {
  const { address, dataDir, swarmKey, signal } = options
  const target = multiaddr(parseAddress(address, 'The peer address').toString())
  const identity = await readIdentity(dataDir)
  const node = await createClientNode(swarmKey === undefined ? undefined : parseSwarmKey(swarmKey))
  await node.start()
  try {
    const connection = await node.dial(target, { signal })
    const server = asPeerId(connection.remotePeer.toString())
    const client = asPeerId(node.peerId.toString())
    const question = identity === null ? [] : [await signedQuestion(identity, client, server)]
    const stream = await connection.newStream(protocolName('status'), { signal, negotiateFully: true })
    const answer = await readStatus(meshStream(stream, server), question, signal)
    if (isRefusal(answer)) throw new PeerUnreachable(refusalOf(address, dataDir))
    return answer
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

const refusalOf = (address: string, dataDir: string): string =>
  `The node at ${address} shows its status to members of its mesh only, and ${dataDir} holds no member's identity; use the --data-dir of a node that runs in that mesh.`

async function readStatus(stream: MeshStream, question: readonly Uint8Array[], signal: AbortSignal): Promise<unknown> {
  const leave = () => stream.abort(new Error('no longer wanted'))
  signal.addEventListener('abort', leave, { once: true })
  try {
    await stream.sink(question)
    return JSON.parse(Buffer.from(await readAll(stream, STATUS_BYTES_MAX)).toString('utf8'))
  } catch (error) {
    leave()
    if (!(error instanceof SyntaxError)) throw error
    throw new PeerUnreachable(`peer ${stream.peer} sent an invalid status`, error)
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** All bytes of the stream. Rejects with `PeerUnreachable` beyond `bytesMax`. */
async function readAll(stream: MeshStream, bytesMax: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of stream.source) {
    bytes += piece.byteLength
    if (bytes > bytesMax) throw new PeerUnreachable(`peer ${stream.peer} sent more than ${bytesMax} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
