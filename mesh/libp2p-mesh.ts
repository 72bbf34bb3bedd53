/**
 * The mesh over libp2p 3. `protocol/mesh.ts` is its contract; the files beside this one implement it: `libp2p-node` (options) ·
 * `members` (which peers are connected) · `alive` (which are silent) · `address-book` and `dialer` (redials) · `streams`
 * (back-pressure). This one joins them.
 */
import { join } from 'node:path'
import type { Message } from '@chainsafe/libp2p-gossipsub'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type Clock, deadline, type Rng } from '../protocol/clock.ts'
import { PeerUnreachable, sentence } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { GOSSIP_BYTES_MAX, STREAM_SILENCE_MS, STREAMS_PER_PEER } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh, MeshEvents, MeshStream, Protocol, Topic } from '../protocol/mesh.ts'
import { checkGossip, TOPICS } from '../protocol/mesh.ts'
import { type AddressBook, createAddressBook } from './address-book.ts'
import { hostOf, parseAddress, peerOf } from './addresses.ts'
import { ALIVE, type Alive, createAlive } from './alive.ts'
import { type Dialer, startDialer } from './dialer.ts'
import { type GossipRules, guardGossip } from './guarded-gossip.ts'
import { loadIdentity } from './identity.ts'
import { createMeshNode, gossipsTo, listenFailure, type MeshNode, protocolName, topicName } from './libp2p-node.ts'
import { createMembers, type Members } from './members.ts'
import { type StallWatch, watchStalls } from './stall-watch.ts'
import { finishStream, meshStream } from './streams.ts'
import { parseSwarmKey } from './swarm-key.ts'

const SAVE_AFTER_MS = 1_000

/** How long a stop waits for connections to close before it breaks them, ms. */
const CLOSE_MS = 250

/** How to reach the mesh, and where this node keeps its identity. */
export interface Libp2pMeshOptions {
  /** Holds `peer.key` (0600) and `address-book.json`; created when absent. For one node at a time. */
  readonly dataDir: string
  /** Multiaddrs to listen on, such as `/ip4/127.0.0.1/tcp/0`. */
  readonly listen: readonly string[]
  /** Multiaddrs to announce instead of those listened on: containers, port forwards. */
  readonly announce?: readonly string[]
  /** Multiaddrs to dial until they answer, and again whenever they are lost; with or without `/p2p/<id>`. */
  readonly join: readonly string[]
  /** Content of a swarm key file. Without one the mesh is open. */
  readonly swarmKey?: Uint8Array | string
  /** Find peers on the local network. */
  readonly mdns: boolean
  /** Who is a member, and which gossip is well-formed. Default: everybody is, and all of it. */
  readonly gossip?: GossipRules
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
}

/** Makes the node; `start` connects it. Rejects with `UsageError` for a wrong address, key or swarm key. */
export async function createLibp2pMesh(options: Libp2pMeshOptions): Promise<Mesh> {
  const privateKey = await loadIdentity(options.dataDir, options.rng)
  const swarmKey = options.swarmKey === undefined ? undefined : parseSwarmKey(options.swarmKey)
  for (const address of options.listen) parseAddress(address, 'The listen address')
  for (const address of options.announce ?? []) parseAddress(address, 'The announced address')
  const joins = options.join.map((address) => parseAddress(address, 'The join address'))
  const node = await createMeshNode({ ...options, announce: options.announce ?? [], privateKey, swarmKey })
  guardGossip({ ...options, pubsub: node.services.pubsub, topicName })
  const mesh = new Libp2pMesh(node, options)
  for (const address of joins) mesh.join(address.toString(), peerOf(address))
  return mesh
}

class Libp2pMesh implements Mesh {
  readonly self: PeerId
  readonly #node: MeshNode
  readonly #options: Libp2pMeshOptions
  readonly #book: AddressBook
  readonly #bookPath: string
  readonly #listeners = new Set<MeshEvents>()
  readonly #streams = new Set<MeshStream>()
  #parts: { members: Members; alive: Alive; stalls: StallWatch; dialer: Dialer } | null = null
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  #cancelSave: (() => void) | null = null

  constructor(node: MeshNode, options: Libp2pMeshOptions) {
    this.self = asPeerId(node.peerId.toString())
    this.#node = node
    this.#options = options
    this.#book = createAddressBook({ self: this.self, clock: options.clock, rng: options.rng })
    this.#bookPath = join(options.dataDir, 'address-book.json')
  }

  join(address: string, peer: PeerId | null): void {
    this.#book.join(address, peer)
  }

  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { clock, log } = this.#options
    await this.#book.load(this.#bookPath)
    const stalls = watchStalls(clock, (ms) =>
      log.warn('event loop stalled; failure detection suspended', { ms: Math.round(ms) }),
    )
    const members = createMembers({
      self: this.self,
      clock,
      log,
      gossipsTo: (peer) => gossipsTo(this.#node, peer),
      events: {
        onConnected: (peer) => this.#emit((each) => each.onConnected?.(peer)),
        onDisconnected: (peer, why) => this.#emit((each) => each.onDisconnected?.(peer, why)),
        onLinkLost: (peer) => {
          this.#book.lost(peer)
          this.#parts?.dialer.wake()
        },
      },
    })
    const onFirstBeat = members.firstHeartbeat.bind(members)
    const alive = createAlive({ clock, stalls, onFirstBeat, onSilent: members.silent.bind(members) })
    this.#subscribe(members, alive)
    await this.#node.handle(ALIVE, alive.receive, { maxInboundStreams: 2 })
    try {
      await this.#node.start()
    } catch (error) {
      members.stop()
      stalls.stop()
      await this.#node.stop()
      throw listenFailure(error, this.#options.listen)
    }
    for (const topic of TOPICS) this.#node.services.pubsub.subscribe(topicName(topic))
    const dialer = startDialer({
      book: this.#book,
      clock,
      log,
      dial: (addresses) => this.#node.dial(addresses),
      connected: () => members.linked(),
      hasStalled: () => stalls.graceUntil() > clock.mono(),
    })
    this.#parts = { members, alive, stalls, dialer }
    this.#state = 'started'
  }

  #subscribe(members: Members, alive: Alive): void {
    const node = this.#node
    node.addEventListener('connection:open', ({ detail }) => {
      members.opened(detail)
      if (detail.status === 'open') alive.watch(detail)
    })
    node.addEventListener('connection:close', ({ detail }) => members.closed(detail))
    node.addEventListener('peer:discovery', ({ detail }) =>
      this.learn(asPeerId(detail.id.toString()), detail.multiaddrs.map(String)),
    )
    const { pubsub } = node.services
    pubsub.addEventListener('subscription-change', ({ detail }) => {
      const isIn = detail.subscriptions.some((each) => each.subscribe && each.topic === topicName('heartbeat'))
      if (isIn) members.subscribed(asPeerId(detail.peerId.toString()))
    })
    pubsub.addEventListener('message', ({ detail }) => this.#gossiped(detail))
  }

  #gossiped(message: Message): void {
    const topic = TOPICS.find((each) => topicName(each) === message.topic)
    if (message.type !== 'signed' || topic === undefined) return
    const author = asPeerId(message.from.toString())
    // A restarted node receives messages that its previous process published.
    if (author === this.self || message.data.byteLength > GOSSIP_BYTES_MAX) return
    this.#emit((each) => each.onGossip?.({ topic, author, data: message.data }))
  }

  #emit(event: (listener: MeshEvents) => void): void {
    for (const listener of this.#listeners) event(listener)
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    await this.#starting?.catch(() => {})
    this.#state = 'stopped'
    this.#parts?.dialer.stop()
    this.#parts?.stalls.stop()
    this.#cancelSave?.()
    // A node that never started has not read the book on the disk, and must not overwrite it.
    if (this.#parts !== null) await this.#save()
    // libp2p closes streams when it stops, which the other side takes for a complete transfer.
    for (const stream of [...this.#streams]) stream.abort(new Error('this node is stopping'))
    // By default libp2p waits for the other side to close. The stop was announced before, so that no wait is needed.
    const signal = deadline(this.#options.clock, CLOSE_MS)
    await Promise.all(
      this.#node.getConnections().map((each) => each.close({ signal }).catch((error) => each.abort(error))),
    )
    await this.#node.stop()
    this.#parts?.members.stop()
  }

  addresses(): readonly string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  peers(): readonly PeerId[] {
    return this.#parts?.members.list() ?? []
  }

  listen(events: MeshEvents): () => void {
    this.#listeners.add(events)
    return () => this.#listeners.delete(events)
  }

  async publish(topic: Topic, data: Uint8Array): Promise<void> {
    checkGossip(data)
    if (this.#state !== 'started') return
    try {
      await this.#node.services.pubsub.publish(topicName(topic), data)
    } catch (error) {
      this.#options.log.debug('gossip not published', { topic, error: sentence(error) })
    }
  }

  handle(protocol: Protocol, handler: (stream: MeshStream) => Promise<void>): void {
    const onStream = (stream: Stream, connection: Connection) => {
      const mesh = this.#wrap(stream, connection)
      void this.#answer(stream, mesh, () => handler(mesh))
    }
    const limits = { maxInboundStreams: STREAMS_PER_PEER, maxOutboundStreams: 4 * STREAMS_PER_PEER }
    this.#node
      .handle(protocolName(protocol), onStream, limits)
      .catch((error) => this.#options.log.error('protocol not handled', { protocol, error: sentence(error) }))
  }

  #wrap(stream: Stream, connection: Connection): MeshStream {
    const host = hostOf(connection.remoteAddr)
    const heard = () => this.#parts?.alive.heard(connection)
    const mesh = {
      ...meshStream(stream, asPeerId(connection.remotePeer.toString()), heard),
      ...(host !== undefined && { host }),
    }
    this.#streams.add(mesh)
    stream.addEventListener('close', () => this.#streams.delete(mesh), { once: true })
    return mesh
  }

  async #answer(stream: Stream, mesh: MeshStream, handler: () => Promise<void>): Promise<void> {
    try {
      await handler()
      await finishStream(stream, mesh, deadline(this.#options.clock, STREAM_SILENCE_MS))
    } catch (error) {
      const { protocol } = stream
      this.#options.log.debug('stream handler failed', { protocol, peer: mesh.peer, error: sentence(error) })
      mesh.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async open(peer: PeerId, protocol: Protocol, signal: AbortSignal): Promise<MeshStream> {
    signal.throwIfAborted()
    try {
      const connection = this.#parts?.members.connection(peer) ?? (await this.#dial(peer, signal))
      const stream = await connection.newStream(protocolName(protocol), {
        signal,
        negotiateFully: true,
        maxOutboundStreams: 4 * STREAMS_PER_PEER,
      })
      return this.#wrap(stream, connection)
    } catch (error) {
      signal.throwIfAborted()
      throw new PeerUnreachable(`peer ${peer} does not answer ${protocol}: ${sentence(error)}`, error)
    }
  }

  #dial(peer: PeerId, signal: AbortSignal): Promise<Connection> {
    const addresses = this.#book.addressesOf(peer).map((address) => {
      const parsed = multiaddr(address)
      return peerOf(parsed) === null ? parsed.encapsulate(`/p2p/${peer}`) : parsed
    })
    if (this.#state !== 'started' || addresses.length === 0) throw new Error('no address of this peer is known')
    return this.#node.dial(addresses, { signal })
  }

  learn(peer: PeerId | null, addresses: readonly string[]): void {
    if (peer === null) {
      for (const address of addresses) this.#book.join(address, peerOf(parseAddress(address, 'The address')))
    } else if (!this.#book.learn(peer, addresses)) return
    this.#parts?.dialer.wake()
    this.#saveSoon()
  }

  #saveSoon(): void {
    if (this.#cancelSave !== null || this.#state !== 'started') return
    this.#cancelSave = this.#options.clock.timer(SAVE_AFTER_MS, () => {
      this.#cancelSave = null
      void this.#save()
    })
  }

  async #save(): Promise<void> {
    try {
      await this.#book.save(this.#bookPath)
    } catch (error) {
      this.#options.log.warn('address book not saved', { error: sentence(error) })
    }
  }
}
