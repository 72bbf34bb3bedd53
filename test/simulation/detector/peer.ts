/**
 * One peer of the simulated mesh, with the product's own detector in it: alive streams, heartbeats, the peer table, suspicions,
 * and in the leader the reclaim duty. Peers that observe none only send heartbeats and answer alive streams: they cost
 * little, so that a thousand of them fit.
 */

import type { Stream } from '@libp2p/interface'
import { createReclaim, type Reclaim } from '../../../coordinator/duties/reclaim.ts'
import type { TermContext } from '../../../coordinator/duty.ts'
import { type Alive, createAlive } from '../../../mesh/alive.ts'
import { watchStalls } from '../../../mesh/stall-watch.ts'
import { createHeartbeat, createPeerTable, type HeartbeatLoop } from '../../../node/peers/heartbeat.ts'
import { createSuspicions, type Suspicions } from '../../../node/peers/suspicions.ts'
import { createHints } from '../../../protocol/hints.ts'
import { asPeerId, type PeerId } from '../../../protocol/ids.ts'
import { DUTY_MS } from '../../../protocol/limits.ts'
import { silentLog } from '../../../protocol/log.ts'
import type { GossipMessage, LossReason, Mesh, MeshEvents, Topic } from '../../../protocol/mesh.ts'
import { ANY_PEER } from '../../../testing/any-peer.ts'
import { createLife, type Life } from '../../../testing/simulation/life.ts'
import type { Seeded } from '../../../testing/simulation/seeded.ts'
import type { Scheduler } from '../../../testing/simulation/virtual-time.ts'
import { claimsOfAll, type Reclaims } from './claims.ts'
import type { End, Side } from './connection.ts'

/** Looks like libp2p's. */
export const peerIdOf = (at: number): PeerId =>
  asPeerId(
    `12D3KooW${'m'.repeat(40)}${[...String(at).padStart(4, '0')].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`,
  )

export interface PeerOptions {
  readonly at: number
  readonly everyone: readonly PeerId[]
  readonly scheduler: Scheduler
  readonly rng: Seeded
  /** Whether it receives gossip and observes others. */
  readonly listens: boolean
  /** Whether heartbeats of the whole mesh reach it, or only of those that it observes. */
  readonly hearsAll: boolean
  /** Ids of everyone it is connected to in the whole mesh, also those whose connection is not simulated. */
  readonly neighbours: () => readonly PeerId[]
  spread(topic: Topic, data: Uint8Array): void
}

export class DetectorPeer implements Side {
  readonly id: PeerId
  readonly life: Life
  readonly mesh: PeerMesh
  readonly ends = new Set<End>()
  readonly endOf = new Map<End, PeerId>()
  readonly suspicions: Suspicions | null
  reclaim: Reclaim | null = null
  steppedDown = 0
  readonly #alive: Alive
  readonly #heartbeat: HeartbeatLoop
  readonly table: ReturnType<typeof createPeerTable>

  constructor(options: PeerOptions) {
    const { at, everyone, scheduler, rng, listens } = options
    this.id = everyone[at]!
    this.life = createLife(scheduler)
    const { clock } = this.life
    this.mesh = new PeerMesh(this, options)
    const heard = createPeerTable({ clock, self: this.id, members: ANY_PEER, connections: () => [] })
    // Who does not hear all still knows how many there are: as many are present as would be.
    const present = everyone.slice(1).map((peer) => ({
      peer,
      beat: {} as never,
      get heard_mono() {
        return clock.mono()
      },
    }))
    const padded = () => [...heard.all(), ...present.slice(heard.all().length)]
    this.table = options.hearsAll ? heard : { ...heard, all: padded }
    this.#alive = createAlive({
      clock,
      stalls: watchStalls(clock),
      onFirstBeat: (connection) => this.mesh.connected(connection as unknown as End),
      onSilent: (connection) => {
        const end = connection as unknown as End
        end.why = 'alive'
        end.abort()
      },
    })
    this.suspicions = listens ? createSuspicions({ mesh: this.mesh, clock, table: this.table }) : null
    this.#heartbeat = createHeartbeat({
      mesh: this.mesh,
      clock,
      rng,
      log: silentLog,
      table: this.table,
      snapshot: () => bodyOf(at),
      bootEpoch: { current: () => 1, raise: async () => 1 },
    })
  }

  start(): void {
    this.suspicions?.start()
    this.#heartbeat.start()
  }

  wake(act: () => void): void {
    this.life.wake(act)
  }

  opened(end: End): void {
    this.ends.add(end)
    this.wake(() => {
      const incoming = new EventTarget()
      const message = () => incoming.dispatchEvent(new Event('message'))
      end.onBeat = message
      this.#alive.receive(incoming as unknown as Stream, end.asConnection())
    })
  }

  closed(end: End, why: LossReason): void {
    this.ends.delete(end)
    this.wake(() => this.mesh.disconnected(end, why))
  }

  kill(): void {
    this.life.kill()
    for (const end of [...this.ends]) end.abort()
  }

  /** Leads from now on: a reclaim duty over a ledger in which everyone given holds a claim. */
  lead(workers: readonly PeerId[], reclaims: Reclaims): void {
    const { clock } = this.life
    const reclaim = createReclaim({
      ledger: claimsOfAll(workers, reclaims),
      self: this.id,
      term: 1,
      clock,
      log: silentLog,
      emit: async () => {},
      peers: this.table,
      suspicions: this.suspicions!,
      connected: () => this.mesh.peers(),
      hints: createHints(),
      stepDown: () => this.steppedDown++,
    } as unknown as TermContext)
    this.reclaim = reclaim
    const signal = new AbortController().signal
    this.suspicions!.listen({ onLost: (peer, why) => void reclaim.lost(peer, why, signal) })
    const round = () => void reclaim.round(signal).then(() => clock.timer(DUTY_MS, round))
    round()
  }
}

class PeerMesh implements Mesh {
  readonly self: PeerId
  readonly #peer: DetectorPeer
  readonly #options: PeerOptions
  readonly #connected = new Set<PeerId>()
  readonly #listeners = new Set<MeshEvents>()

  constructor(peer: DetectorPeer, options: PeerOptions) {
    this.#peer = peer
    this.#options = options
    this.self = options.everyone[options.at]!
  }

  connected(end: End): void {
    const peer = this.#peer.endOf.get(end)
    if (peer === undefined || this.#connected.has(peer)) return
    this.#connected.add(peer)
    for (const each of this.#listeners) each.onConnected?.(peer)
  }

  disconnected(end: End, why: LossReason): void {
    const peer = this.#peer.endOf.get(end)
    this.#peer.endOf.delete(end)
    if (peer === undefined || !this.#connected.delete(peer)) return
    for (const each of this.#listeners) each.onDisconnected?.(peer, why)
  }

  gossiped(message: GossipMessage): void {
    for (const each of this.#listeners) each.onGossip?.(message)
  }

  peers = (): readonly PeerId[] => (this.#options.listens ? [...this.#connected] : this.#options.neighbours())
  addresses = (): readonly string[] => [`/ip4/10.0.0.1/tcp/4001/p2p/${this.self}`]
  listen(events: MeshEvents): () => void {
    this.#listeners.add(events)
    return () => this.#listeners.delete(events)
  }
  async publish(topic: Topic, data: Uint8Array): Promise<void> {
    this.#options.spread(topic, data)
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  handle(): void {}
  learn(): void {}
  open(): Promise<never> {
    return Promise.reject(new Error('no streams here'))
  }
}

/** What a worker with two attempts says of itself: about 600 bytes with its addresses. */
export const bodyOf = (at: number) => ({
  version: '0.1.0',
  roles: ['worker' as const],
  host: `host-${at}`,
  name: `worker ${at}`,
  ffmpeg: '7.1',
  decoders: ['h264', 'hevc', 'vp9', 'av1'],
  filters: ['zscale'],
  encoders: ['x264'],
  renditions: ['480p', '720p', '1080p'],
  kinds: ['audio'],
  slots: 2,
  busy: 2,
  load: 1,
  state: 'working' as const,
  running: [],
})
