/**
 * The addresses of other peers: bounded, kept on disk. The book decides whom to dial and when; `dialer.ts` dials.
 *
 *   target        dialled by                  first wait              then
 *   --join        this node in any case       none; when lost, up to  backoff to 10 s, without end
 *                                             250 ms, the larger id
 *                                             0.75–1.25 s
 *   learned       the smaller id              50–300 ms               backoff to 10 s; a tenth of the time it has been gone,
 *                 the larger id               1–2 s (the other side                  at most 10 min, once that is longer
 *                                             may be unable to dial)
 *
 * Times are monotonic ms. The file holds only peers and addresses; a restarted node rejoins from them without flags.
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
  /** Monotonic ms; infinite while it is dialled or connected. */
  dueAt: number
  goneAt: number
}

/** Addresses are text of multiaddrs; keys are those of `Target`. */
export interface AddressBook {
  /** Adds an address that a person gave. `peer` where the address names it. */
  join(address: string, peer: PeerId | null): void
  /** Adds addresses that a peer announced of itself; false where all were known. Invalid ones are dropped. */
  learn(peer: PeerId, addresses: readonly string[]): boolean
  addressesOf(peer: PeerId): readonly string[]
  /** Targets that may be dialled now, and how long until the next one, ms (null: there is none). */
  due(connected: ReadonlySet<PeerId>, options: { joinsOnly: boolean }): { targets: Target[]; nextMs: number | null }
  /** A dial began: the target is not due until `failed` or `lost`. */
  dialling(key: string): void
  failed(key: string): void
  /** A `--join` address answered as this peer. */
  answered(key: string, peer: PeerId): void
  /** The last connection to this peer closed. */
  lost(peer: PeerId): void
  /** Removes a `--join` address that is this node itself. */
  forget(key: string): void
  /** Rejects with the error of the file system; the old file is then as it was. */
  save(path: string): Promise<void>
  /** Adds what the file holds; a file that cannot be read is an empty book. */
  load(path: string): Promise<void>
}

/** An empty book of the peer `self`. */
export function createAddressBook(options: { self: PeerId; clock: Clock; rng: Rng }): AddressBook {
  return new Book(options)
}

class Book implements AddressBook {
  readonly #self: PeerId
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #joins = new Map<string, Entry>()
  readonly #peers = new Map<PeerId, Entry>()

  constructor({ self, clock, rng }: { self: PeerId; clock: Clock; rng: Rng }) {
    this.#self = self
    this.#clock = clock
    this.#rng = rng
  }

  join(address: string, peer: PeerId | null): void {
    this.#joins.set(address, newEntry({ key: address, peer, addresses: [address], joined: true }, this.#clock.mono()))
  }

  learn(peer: PeerId, addresses: readonly string[]): boolean {
    if (peer === this.#self) return false
    const fresh = canonical(addresses.slice(0, ADDRESSES_PER_PEER))
    const known = this.#peers.get(peer)
    if (known !== undefined) return this.#merge(known, fresh)
    if (fresh.length === 0) return false
    this.#makeRoom()
    const entry = newEntry({ key: peer, peer, addresses: fresh, joined: false }, this.#clock.mono())
    entry.dueAt += this.#firstWaitMs(entry)
    this.#peers.set(peer, entry)
    return true
  }

  /** New addresses come first, and make the peer due soon unless it is dialled or connected. */
  #merge(known: Entry, fresh: readonly string[]): boolean {
    const merged = [...new Set([...fresh, ...known.addresses])].slice(0, ADDRESSES_PER_PEER)
    const isNew = merged.some((address) => !known.addresses.includes(address))
    known.addresses = merged
    if (isNew && known.dueAt !== Number.POSITIVE_INFINITY)
      known.dueAt = Math.min(known.dueAt, this.#clock.mono() + this.#firstWaitMs(known))
    return isNew
  }

  /** A full book drops the peer with the most failed dials. */
  #makeRoom(): void {
    if (this.#peers.size < PEERS_REMEMBERED) return
    const worst = [...this.#peers.values()].reduce((a, b) => (b.failures > a.failures ? b : a))
    this.#peers.delete(worst.peer as PeerId)
  }

  addressesOf(peer: PeerId): readonly string[] {
    return this.#entries().flatMap((entry) => (entry.peer === peer ? entry.addresses : []))
  }

  due(connected: ReadonlySet<PeerId>, { joinsOnly }: { joinsOnly: boolean }) {
    const wanted = this.#entries().filter(
      (entry) => !(entry.peer !== null && connected.has(entry.peer)) && (entry.joined || !joinsOnly),
    )
    return dueAmong(wanted, this.#clock.mono())
  }

  dialling(key: string): void {
    const entry = this.#find(key)
    if (entry) entry.dueAt = Number.POSITIVE_INFINITY
  }

  failed(key: string): void {
    const entry = this.#find(key)
    if (!entry) return
    const now = this.#clock.mono()
    const maxMs = longestRedialMs(entry, now)
    entry.dueAt = now + backoffMs({ tries: entry.failures++, baseMs: REDIAL_MS.base, maxMs, rng: this.#rng })
  }

  answered(key: string, peer: PeerId): void {
    const entry = this.#find(key)
    if (entry?.joined) entry.peer = peer
  }

  lost(peer: PeerId): void {
    for (const entry of this.#entries().filter((each) => each.peer === peer)) {
      entry.failures = 0
      entry.goneAt = this.#clock.mono()
      entry.dueAt = entry.goneAt + this.#firstWaitMs(entry)
    }
  }

  forget(key: string): void {
    this.#joins.delete(key)
  }

  save(path: string): Promise<void> {
    return save(path, this.#entries(), this.#rng)
  }

  async load(path: string): Promise<void> {
    for (const { peer, addresses } of await load(path)) this.learn(peer, addresses)
  }

  #entries(): Entry[] {
    return [...this.#joins.values(), ...this.#peers.values()]
  }

  #find(key: string): Entry | undefined {
    return this.#joins.get(key) ?? this.#peers.get(key as PeerId)
  }

  /** Spread, and longer for the larger id: two peers that lost each other must not dial at the same moment again. */
  #firstWaitMs({ peer, joined }: Entry): number {
    const isMine = peer === null || this.#self < peer
    if (joined) return isMine ? 250 * this.#rng.random() : 750 + 500 * this.#rng.random()
    return isMine ? 50 + 250 * this.#rng.random() : 1_000 + 1_000 * this.#rng.random()
  }
}

/** Due at once. */
const newEntry = (what: Pick<Entry, 'key' | 'peer' | 'addresses' | 'joined'>, now: number): Entry => ({
  ...what,
  failures: 0,
  dueAt: now,
  goneAt: now,
})

function dueAmong(entries: readonly Entry[], now: number): { targets: Target[]; nextMs: number | null } {
  const waits = entries
    .map((entry) => entry.dueAt - now)
    .filter((wait) => wait > 0 && wait !== Number.POSITIVE_INFINITY)
  return {
    targets: entries
      .filter((entry) => entry.dueAt <= now)
      .map(({ key, peer, addresses }) => ({ key, peer, addresses: [...addresses] })),
    nextMs: waits.length === 0 ? null : Math.min(...waits),
  }
}

/** A learned peer that has been gone for long is dialled less often. */
function longestRedialMs({ joined, goneAt }: Entry, now: number): number {
  return joined ? REDIAL_MS.max : Math.max(REDIAL_MS.max, Math.min((now - goneAt) / 10, LONG_GONE_MAX_MS))
}

const canonical = (addresses: readonly string[]): string[] =>
  addresses.map(canonicalAddress).filter((address) => address !== null)

const fileSchema = z.object({
  v: z.literal(1),
  peers: z.array(z.object({ peer: z.string().refine(isPeerId), addresses: z.array(z.string()) })).max(PEERS_REMEMBERED),
})

/** A file that cannot be read, or holds anything else than a book, is an empty book. */
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
    const all = [...(known.get(peer) ?? []), ...canonical(addresses)]
    known.set(peer, [...new Set(all)].slice(0, ADDRESSES_PER_PEER))
  }
  const peers = [...known].slice(-PEERS_REMEMBERED).map(([peer, addresses]) => ({ peer, addresses }))
  await durableWrite(path, JSON.stringify({ v: 1, peers }), { temporary: `${path}.${rng.token()}`, mode: 0o600 })
}
