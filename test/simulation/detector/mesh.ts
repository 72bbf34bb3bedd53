/** A simulated mesh put together: peers, connections, a leader, and what is counted of it. */

import type { PeerId } from '../../../protocol/ids.ts'
import { CONNECTIONS_MAX, RENEW_MS } from '../../../protocol/limits.ts'
import type { Topic } from '../../../protocol/mesh.ts'
import { createSeeded } from '../../../testing/simulation/seeded.ts'
import { createScheduler, type Scheduler } from '../../../testing/simulation/virtual-time.ts'
import { keepLinked } from './connection.ts'
import { DetectorPeer, peerIdOf } from './peer.ts'
import { createWire, type Wire } from './wire.ts'

export interface MeshOptions {
  readonly peers: number
  readonly loss: number
  readonly seed: string
  /** How many peers are watched with everyone who is connected to them; all where there are few. */
  readonly watched?: number
}

export interface DetectorMesh {
  readonly scheduler: Scheduler
  readonly wire: Wire
  readonly peers: readonly DetectorPeer[]
  /** Indexes of the watched peers: all their neighbours observe, so that the counts are those of a whole mesh. */
  readonly watched: readonly number[]
  /** Messages published so far, of the whole mesh; suspicions only where their author is an observer. */
  readonly published: Record<Topic, number>
  /** Suspicions of watched peers, by lost connections of others or by silence. */
  onSuspicion: (about: number, why: string, by: number) => void
  onReclaim: (about: number) => void
  connections: number
  run(ms: number): Promise<void>
}

const LEADER = 0
const START_SPREAD_MS = 5_000
/** Redial (address-book.ts) and five handshake round trips. */
const REDIAL_MS = { least: 150, most: 1_500 } as const

export function createDetectorMesh({
  peers: count,
  loss,
  seed,
  watched: most = CONNECTIONS_MAX,
}: MeshOptions): DetectorMesh {
  const rng = createSeeded(seed)
  const scheduler = createScheduler()
  const wire = createWire({ peers: count, loss, rng: rng.fork('wire'), scheduler })
  const everyone = Array.from({ length: count }, (_, at) => peerIdOf(at))
  const at = new Map<PeerId, number>(everyone.map((id, index) => [id, index]))
  const watched = pickWatched(count, most, wire)
  const observers = new Set([
    LEADER,
    ...wire.neighbours[LEADER]!,
    ...watched,
    ...watched.flatMap((each) => [...wire.neighbours[each]!]),
  ])
  /** Only connections that something is counted of are simulated. */
  const core = new Set([LEADER, ...watched])
  const lostUntil = new Map<PeerId, number>()
  const mesh: DetectorMesh = {
    scheduler,
    wire,
    peers: [],
    watched,
    published: { heartbeat: 0, work: 0, suspect: 0 },
    onSuspicion: () => {},
    onReclaim: () => {},
    connections: wire.neighbours.reduce((sum, open) => sum + open.size, 0) / count,
    async run(ms) {
      const untilMs = scheduler.now() + ms
      // Time only moves with events.
      scheduler.after(ms, () => {})
      await scheduler.run({ untilMs, isOver: () => false, byInstant: true })
    },
  }
  const peers = everyone.map(
    (_, index) =>
      new DetectorPeer({
        at: index,
        everyone,
        scheduler,
        rng: rng.fork(`peer ${index}`),
        listens: observers.has(index),
        hearsAll: index === LEADER,
        neighbours: () => [...wire.neighbours[index]!].map((each) => everyone[each]!),
        spread: (topic, data) => spread(index, topic, data),
      }),
  )
  Object.assign(mesh, { peers })

  function spread(from: number, topic: Topic, data: Uint8Array): void {
    mesh.published[topic]++
    const author = everyone[from]!
    if (topic === 'suspect') {
      const { peer, why } = JSON.parse(new TextDecoder().decode(data)) as { peer: PeerId; why: string }
      mesh.onSuspicion(at.get(peer)!, why, from)
    }
    // The leader hears the heartbeats of all; the others need those of the peers that they observe, and know the number of peers.
    const isFor = (to: number) => observers.has(to) && (topic === 'suspect' || to === LEADER || core.has(from))
    wire.spread(from, isFor, (to) => peers[to]!.wake(() => peers[to]!.mesh.gossiped({ topic, author, data })))
  }

  const random = rng.fork('start')
  for (const from of peers.keys())
    for (const to of wire.neighbours[from]!) if (from < to && (core.has(from) || core.has(to))) join(from, to)
  for (const peer of peers) scheduler.after(random.between(0, START_SPREAD_MS), () => peer.start())
  scheduler.after(START_SPREAD_MS, () =>
    peers[LEADER]!.lead(
      everyone.filter((_, index) => index !== LEADER && (most >= count || watched.includes(index))),
      {
        holds: (peer) => scheduler.now() >= (lostUntil.get(peer) ?? 0),
        reclaimed: (peer) => {
          lostUntil.set(peer, scheduler.now() + RENEW_MS)
          mesh.onReclaim(at.get(peer)!)
        },
      },
    ),
  )

  function join(from: number, to: number): void {
    const [a, b] = [peers[from]!, peers[to]!]
    const dial = rng.fork(`dial ${from} ${to}`)
    const side = (self: DetectorPeer, other: DetectorPeer) => ({
      wake: (act: () => void) => self.wake(act),
      closed: self.closed.bind(self),
      opened: (end: Parameters<DetectorPeer['opened']>[0]) => {
        self.endOf.set(end, other.id)
        self.opened(end)
      },
    })
    keepLinked({
      wire,
      peers: [from, to],
      sides: [side(a, b), side(b, a)],
      later: (ms, act) => void scheduler.after(ms, act),
      redialMs: () => dial.between(REDIAL_MS.least, REDIAL_MS.most),
      isPossible: () => a.life.isAlive() && b.life.isAlive(),
    })
  }
  return mesh
}

/** All but the leader in a small mesh; in a large one some that it is not connected to, as most are. */
function pickWatched(count: number, most: number, wire: Wire): number[] {
  const others = Array.from({ length: count - 1 }, (_, at) => at + 1)
  if (most >= count - 1) return others
  const far = others.filter((each) => !wire.neighbours[LEADER]!.has(each))
  return (far.length >= most ? far : others).slice(0, most)
}
