/**
 * The members of the mesh: peers whose identity is in the ledger. Whoever has the mesh key can connect, and an identity costs nothing, so
 * that only members count: as peers, in suspicions and elections, for slots and replicas; only they get blobs and statuses.
 *
 * Each node makes itself a member before it connects, and renews that. The list is read when the node starts, with every renewal, and when an
 * unknown peer connects or is heard, then at most once in `lookMs`. While the ledger is unavailable the members known before count.
 */
import { type Clock, within } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { MEMBER_MS, MEMBER_RENEW_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'

/** Who is a member, as this peer knows it. */
export interface Members {
  has(peer: PeerId): boolean
  /** Has the list read soon, as an unknown peer connected or was heard. Quick; never throws. */
  look(): void
  /** Calls `onRead` when the list was read. The returned function unsubscribes. */
  listen(onRead: () => void): () => void
}

/** The members, and the membership of this peer. */
export interface Membership extends Members {
  /** Like `has`, after a look at the ledger where the peer is not known. Never rejects. */
  admits(peer: PeerId): Promise<boolean>
  /** Makes this peer a member and reads the list. Idempotent. Rejects with `LedgerUnavailable`. */
  start(): Promise<void>
  /** Idempotent. The membership expires by itself: others still show this peer as one that left. */
  stop(): void
}

/** The parts that a membership uses. */
export interface MembershipModules {
  readonly self: PeerId
  readonly ledger: Pick<Ledger, 'addMember' | 'members'>
  readonly clock: Clock
  readonly log: Log
}

/** Time between two looks at the list: so long, and longer by the second for each member, as false identities must not make it costly. */
const lookMs = (members: number): number => 1_000 + 10 * members
/** How long a peer that is not known waits for the answer of the ledger, ms. */
const ADMIT_MS = 5_000

/** Makes a membership that is not started. */
export const createMembership = (modules: MembershipModules): Membership => new LedgerMembership(modules)

class LedgerMembership implements Membership {
  readonly #modules: MembershipModules
  readonly #listeners = new Set<() => void>()
  #members: ReadonlySet<PeerId> = new Set()
  #readAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  #isRunning = false
  #cancelRenewal = () => {}
  #endLook = () => {}

  constructor(modules: MembershipModules) {
    this.#modules = modules
  }

  has = (peer: PeerId): boolean => peer === this.#modules.self || this.#members.has(peer)

  look = (): void => void this.#look()

  listen(onRead: () => void): () => void {
    this.#listeners.add(onRead)
    return () => this.#listeners.delete(onRead)
  }

  async admits(peer: PeerId): Promise<boolean> {
    if (!this.has(peer)) await within(this.#modules.clock, ADMIT_MS, this.#look())
    return this.has(peer)
  }

  start = async (): Promise<void> => {
    if (this.#isRunning) return
    this.#isRunning = true
    await this.#modules.ledger.addMember(this.#modules.self, MEMBER_MS)
    await this.#read()
    this.#renewLater()
  }

  stop = (): void => {
    this.#isRunning = false
    this.#cancelRenewal()
    this.#endLook()
  }

  #renewLater(): void {
    if (!this.#isRunning) return
    this.#cancelRenewal = this.#modules.clock.timer(MEMBER_RENEW_MS, () => {
      const { self, ledger, log } = this.#modules
      void ledger
        .addMember(self, MEMBER_MS)
        .then(() => this.#read())
        .catch((error: unknown) => log.warn('the membership could not be renewed', { error: sentence(error) }))
        .finally(() => this.#renewLater())
    })
  }

  /** Resolves when a look that began now or later has ended: one look for all that ask meanwhile. */
  #look(): Promise<void> {
    if (!this.#isRunning) return Promise.resolve()
    this.#looking ??= new Promise((resolve) => {
      const { clock, log } = this.#modules
      const waitMs = Math.max(0, this.#readAt + lookMs(this.#members.size) - clock.mono())
      const cancel = clock.timer(waitMs, () => {
        this.#looking = null
        this.#read()
          .catch((error: unknown) => log.debug('the members could not be read', { error: sentence(error) }))
          .finally(resolve)
      })
      this.#endLook = () => {
        cancel()
        this.#looking = null
        resolve()
      }
    })
    return this.#looking
  }

  async #read(): Promise<void> {
    const { self, ledger, clock } = this.#modules
    this.#readAt = clock.mono()
    const members = new Set(await ledger.members())
    // A new or restored database, or a clock that was set: this peer enters itself again at once.
    if (!members.has(self) && this.#isRunning) await ledger.addMember(self, MEMBER_MS)
    this.#members = members
    for (const onRead of this.#listeners) onRead()
  }
}
