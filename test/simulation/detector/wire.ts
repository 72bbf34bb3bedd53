/**
 * The network under the detector: who is connected to whom, how long a byte takes, and how gossip spreads. A model of what
 * libp2p does over TCP (with figures measured on it), because a thousand real nodes do not fit into one machine.
 *
 *   connections   everyone to everyone up to `CONNECTIONS_MAX`; beyond it each peer dials at random until it has that many
 *   a byte        1–10 ms; each packet is lost with the chance `loss` and sent again after 0.2, 0.6, 1.4, 3 … s (TCP's backoff);
 *                 what follows on the same connection waits behind it
 *   gossip        4–6 partners per peer, 1–8 ms a hop for the work, over those same connections; and on top of all that a message
 *                 never reaches a given peer with the chance `loss`, which is harsher than gossipsub (it asks again)
 */
import { CONNECTIONS_MAX } from '../../../protocol/limits.ts'
import type { Seeded } from '../../../testing/simulation/seeded.ts'
import type { Scheduler } from '../../../testing/simulation/virtual-time.ts'

const BYTE_MS = { least: 1, most: 10 } as const
const HOP_MS = { least: 1, most: 8 } as const
/** The first retransmission of Linux; each further one takes twice as long. */
const RETRANSMIT_MS = 200
const RETRANSMITS_MAX = 8
const PARTNERS = { least: 4, most: 6 } as const

export interface Wire {
  readonly neighbours: readonly ReadonlySet<number>[]
  /** Whether anything that `from` sends now can reach `to`. */
  reaches(from: number, to: number): boolean
  /** One direction of one connection: in order, late, never lost. */
  line(from: number, to: number): (arrive: () => void) => void
  /** Calls `arrive` for each peer that a message of this one reaches, when it does; only for those who are to hear it. */
  spread(from: number, isFor: (to: number) => boolean, arrive: (to: number) => void): void
  cut(peer: number): void
  heal(peer: number): void
  setDead(peer: number): void
  setMute(peer: number, isMute: boolean): void
  setFrozen(peer: number, isFrozen: boolean): void
}

export interface WireOptions {
  readonly peers: number
  /** Chance of each packet to be lost, and of each gossip message to miss a given peer. */
  readonly loss: number
  readonly rng: Seeded
  readonly scheduler: Scheduler
}

export function createWire({ peers, loss, rng, scheduler }: WireOptions): Wire {
  const neighbours = connect(peers, rng.fork('connections'))
  const partners = gossipPartners(neighbours, rng.fork('partners'))
  const [cut, dead, frozen, mute] = [new Set<number>(), new Set<number>(), new Set<number>(), new Set<number>()]
  const chance = rng.fork('packets')

  const reaches = (from: number, to: number) => !cut.has(from) && !cut.has(to) && !dead.has(to)

  function travelMs(): number {
    let ms = chance.between(BYTE_MS.least, BYTE_MS.most)
    for (let tries = 0; tries < RETRANSMITS_MAX && chance.chance(loss); tries++) ms += RETRANSMIT_MS * 2 ** tries
    return ms
  }

  return {
    neighbours,
    reaches,
    line(from, to) {
      let lastAt = 0
      return (arrive) => {
        if (!reaches(from, to)) return
        lastAt = Math.max(lastAt, scheduler.now() + travelMs())
        scheduler.after(lastAt - scheduler.now(), () => reaches(from, to) && arrive())
      }
    },
    spread(from, isFor, arrive) {
      if (mute.has(from) || cut.has(from)) return
      const relays = (peer: number) => peer === from || !(dead.has(peer) || frozen.has(peer) || cut.has(peer))
      const hopMs = () => travelMs() + chance.between(HOP_MS.least, HOP_MS.most)
      for (const [to, afterMs] of arrivals(from, partners, relays, hopMs)) {
        if (to === from || chance.chance(loss) || !isFor(to)) continue
        scheduler.after(afterMs, () => reaches(from, to) && arrive(to))
      }
    },
    cut: (peer) => void cut.add(peer),
    heal: (peer) => void cut.delete(peer),
    setDead: (peer) => void dead.add(peer),
    setMute: (peer, isMute) => void (isMute ? mute.add(peer) : mute.delete(peer)),
    setFrozen: (peer, isFrozen) => void (isFrozen ? frozen.add(peer) : frozen.delete(peer)),
  }
}

/** Everyone dials until it has enough; what others dial comes on top. */
function connect(peers: number, rng: Seeded): Set<number>[] {
  const open = Array.from({ length: peers }, () => new Set<number>())
  const wanted = Math.min(peers - 1, CONNECTIONS_MAX)
  for (let from = 0; from < peers; from++) {
    const isFull = wanted === peers - 1
    for (let to = 0; isFull && to < peers; to++) if (to !== from) link(open, from, to)
    while (open[from]!.size < wanted) {
      const to = rng.whole(0, peers - 1)
      if (to !== from) link(open, from, to)
    }
  }
  return open
}

function gossipPartners(neighbours: readonly ReadonlySet<number>[], rng: Seeded): Set<number>[] {
  const partners = neighbours.map(() => new Set<number>())
  for (const [from, open] of neighbours.entries()) {
    const others = [...open]
    for (let tries = 0; tries < 8 * others.length && partners[from]!.size < PARTNERS.least; tries++) {
      const to = rng.pick(others)
      if (partners[to]!.size < PARTNERS.most) link(partners, from, to)
    }
  }
  return partners
}

function link(graph: readonly Set<number>[], a: number, b: number): void {
  graph[a]!.add(b)
  graph[b]!.add(a)
}

/** When a message that floods the partners is first at each peer (Dijkstra, by a scan of the frontier in buckets of 1 ms). */
function arrivals(
  from: number,
  partners: readonly ReadonlySet<number>[],
  relays: (peer: number) => boolean,
  hopMs: () => number,
): Map<number, number> {
  const best = new Map<number, number>([[from, 0]])
  const settled = new Set<number>()
  const buckets = new Map<number, number[]>([[0, [from]]])
  for (let ms = 0; buckets.size > 0; ms++) {
    for (const at of buckets.get(ms) ?? []) {
      if (settled.has(at)) continue
      settled.add(at)
      if (!relays(at)) continue
      for (const to of partners[at]!) {
        if (to === from) continue
        const atMs = Math.max(ms, Math.ceil(ms + hopMs()))
        if (atMs >= (best.get(to) ?? Number.POSITIVE_INFINITY)) continue
        best.set(to, atMs)
        const bucket = buckets.get(atMs) ?? []
        buckets.set(atMs, bucket)
        bucket.push(to)
      }
    }
    buckets.delete(ms)
  }
  return best
}
