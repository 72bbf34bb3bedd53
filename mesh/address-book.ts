/**
 * What a node knows about where others are: bounded, kept on disk, pure. It decides whom to dial and when; `dialer.ts` dials.
 *
 *   target        dialled by                  first wait              then
 *   --join        this node, whoever it is    none; when lost, up to  backoff to 10 s, without end
 *                                             250 ms, the larger id
 *                                             0.75–1.25 s
 *   learned       the smaller id              50–300 ms               backoff to 10 s; a tenth of the time it has been gone,
 *                 the larger id               1–2 s (the other side                  at most 10 min, once that is longer
 *                                             may be unable to dial)
 *
 * Times are monotonic ms. On disk only peers and addresses; a restarted node rejoins from them without flags.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { durableWrite } from '../files/durable-write.ts'
import { backoffMs, type Clock, type Rng } from '../protocol/clock.ts'
import { isPeerId, type PeerId } from '../protocol/ids.ts'
import { ADDRESSES_PER_PEER, PEERS_REMEMBERED, REDIAL_MS } from '../protocol/limits.ts'
import { canonicalAddress } from './addresses.ts'

const LONG_GONE_MAX_MS = 10 * 60_000

/** One thing to dial: a known peer, or a `--join` address whose peer is not known until it answers. */
export interface Target {
  readonly peer: PeerId | null
  readonly addresses: readonly string[]
  readonly key: string
}

interface Entry {
  readonly key: string
  peer: PeerId | null
  addresses: string[]
  readonly joined: boolean
  failures: number
  dueAt: number
  goneAt: number
}

export interface AddressBook {
  /** Remembers an address given by a person. `peer` where the address names it. */
  join(address: string, peer: PeerId | null): void
  /** Remembers what a peer says of itself. Answers whether anything is new. Bad addresses are dropped. */
  learn(peer: PeerId, addresses: readonly string[]): boolean
  addressesOf(peer: PeerId): readonly string[]
  /** Targets that may be dialled now, and how long until the next one, ms (null: none at all). */
  due(connected: ReadonlySet<PeerId>, options: { joinsOnly: boolean }): { targets: Target[]; nextMs: number | null }
  /** A dial was begun: not due again until `failed` or `lost` says so. */
  dialling(key: string): void
  failed(key: string): void
  /** A `--join` address answered as this peer. */
  answered(key: string, peer: PeerId): void
  /** The last connection to this peer closed. */
  lost(peer: PeerId): void
  /** A `--join` address that is this node itself. */
  forget(key: string): void
  save(path: string): Promise<void>
  load(path: string): Promise<void>
}

export function createAddressBook(options: { self: PeerId; clock: Clock; rng: Rng }): AddressBook {
  const { self, clock, rng } = options
  const joins = new Map<string, Entry>()
  const peers = new Map<PeerId, Entry>()

  const firstWaitMs = (entry: Entry) => {
    const isMine = entry.peer === null || self < entry.peer
    // Two that were told of each other and lost both connections must not dial at once again.
    if (entry.joined) return isMine ? 250 * rng.random() : 750 + 500 * rng.random()
    return isMine ? 50 + 250 * rng.random() : 1_000 + 1_000 * rng.random()
  }
  const entries = () => [...joins.values(), ...peers.values()]
  const find = (key: string) => joins.get(key) ?? peers.get(key as PeerId)

  function learn(peer: PeerId, addresses: readonly string[]): boolean {
    if (peer === self) return false
    const fresh = addresses
      .slice(0, ADDRESSES_PER_PEER)
      .map(canonicalAddress)
      .filter((each) => each !== null)
    const known = peers.get(peer)
    if (known === undefined) {
      if (fresh.length === 0) return false
      makeRoom()
      const now = clock.mono()
      const entry: Entry = { key: peer, peer, addresses: fresh, joined: false, failures: 0, dueAt: now, goneAt: now }
      entry.dueAt += firstWaitMs(entry)
      peers.set(peer, entry)
      return true
    }
    const merged = [...new Set([...fresh, ...known.addresses])].slice(0, ADDRESSES_PER_PEER)
    const isNew = merged.some((address) => !known.addresses.includes(address))
    known.addresses = merged
    if (isNew && known.dueAt !== Number.POSITIVE_INFINITY)
      known.dueAt = Math.min(known.dueAt, clock.mono() + firstWaitMs(known))
    return isNew
  }

  /** The one that has been failing longest makes room. */
  function makeRoom(): void {
    if (peers.size < PEERS_REMEMBERED) return
    const worst = [...peers.values()].reduce((a, b) => (b.failures > a.failures ? b : a))
    peers.delete(worst.peer as PeerId)
  }

  function join(address: string, peer: PeerId | null): void {
    const now = clock.mono()
    joins.set(address, { key: address, peer, addresses: [address], joined: true, failures: 0, dueAt: now, goneAt: now })
  }

  function due(connected: ReadonlySet<PeerId>, { joinsOnly }: { joinsOnly: boolean }) {
    const now = clock.mono()
    const wanted = entries().filter((entry) => {
      if (entry.peer !== null && connected.has(entry.peer)) return false
      return entry.joined || !joinsOnly
    })
    const waits = wanted
      .map((entry) => entry.dueAt - now)
      .filter((wait) => wait > 0 && wait !== Number.POSITIVE_INFINITY)
    return {
      targets: wanted
        .filter((entry) => entry.dueAt <= now)
        .map(({ key, peer, addresses }) => ({ key, peer, addresses: [...addresses] })),
      nextMs: waits.length === 0 ? null : Math.min(...waits),
    }
  }

  const postpone = (entry: Entry) => {
    const goneMs = clock.mono() - entry.goneAt
    const maxMs = entry.joined ? REDIAL_MS.max : Math.max(REDIAL_MS.max, Math.min(goneMs / 10, LONG_GONE_MAX_MS))
    entry.dueAt = clock.mono() + backoffMs({ tries: entry.failures++, baseMs: REDIAL_MS.base, maxMs, rng })
  }

  return {
    join,
    learn,
    due,
    addressesOf: (peer) => entries().flatMap((entry) => (entry.peer === peer ? entry.addresses : [])),
    dialling: (key) => {
      const entry = find(key)
      if (entry) entry.dueAt = Number.POSITIVE_INFINITY
    },
    failed: (key) => {
      const entry = find(key)
      if (entry) postpone(entry)
    },
    answered: (key, peer) => {
      const entry = find(key)
      if (entry?.joined) entry.peer = peer
    },
    lost: (peer) => {
      for (const entry of entries().filter((each) => each.peer === peer)) {
        entry.failures = 0
        entry.goneAt = clock.mono()
        entry.dueAt = entry.goneAt + firstWaitMs(entry)
      }
    },
    forget: (key) => {
      joins.delete(key)
    },
    save: (path) => save(path, entries(), rng),
    load: async (path) => {
      for (const { peer, addresses } of await load(path)) learn(peer, addresses)
    },
  }
}

const fileSchema = z.object({
  v: z.literal(1),
  peers: z.array(z.object({ peer: z.string().refine(isPeerId), addresses: z.array(z.string()) })).max(PEERS_REMEMBERED),
})

/** Best effort, whole or not at all: a book that cannot be read is an empty one. */
async function load(path: string): Promise<{ peer: PeerId; addresses: string[] }[]> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).peers as { peer: PeerId; addresses: string[] }[]
  } catch {
    return []
  }
}

async function save(path: string, entries: readonly Entry[], rng: Rng): Promise<void> {
  const known = new Map<PeerId, string[]>()
  for (const { peer, addresses } of entries) {
    if (peer === null) continue
    const all = [...(known.get(peer) ?? []), ...addresses.map(canonicalAddress).filter((each) => each !== null)]
    known.set(peer, [...new Set(all)].slice(0, ADDRESSES_PER_PEER))
  }
  const peers = [...known].slice(-PEERS_REMEMBERED).map(([peer, addresses]) => ({ peer, addresses }))
  await durableWrite(path, JSON.stringify({ v: 1, peers }), { temporary: `${path}.${rng.token()}`, mode: 0o600 })
}
