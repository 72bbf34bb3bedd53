/** Claims of encode slots: the task that was prefetched, else the first task of a class that this machine can do. */
import { type Capability, canDo, parseClass } from '../../protocol/capability.ts'
import type { Clock } from '../../protocol/clock.ts'
import { type PeerId, type Token, type VideoId, videoOf } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS } from '../../protocol/limits.ts'
import type { HeldTask } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { type Assigned, heldBy } from './attempts.ts'
import { type ClaimSource, claimSiblings } from './claim-siblings.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { OutageGrace } from './outage-grace.ts'
import type { Pauses } from './pauses.ts'
import type { Prefetcher } from './prefetch.ts'
import type { SecondOpinions } from './second-opinions.ts'
import type { AskedSlots } from './soon-free-slots.ts'
import type { ClaimWithToken } from './token-claims.ts'

/** This worker and its capability. */
export interface EncodeClaimsOptions {
  readonly self: PeerId
  readonly capability: Capability
}

/** The parts that the claims use. */
export interface EncodeClaimsModules {
  readonly ledger: Ledger
  readonly plans: PlanSource
  readonly clock: Clock
  readonly grace: OutageGrace
  /** What this worker failed at lately and does not claim now. */
  readonly pauses: Omit<Pauses, 'record'>
  readonly claimWithToken: ClaimWithToken
  /** Films that have failed somewhere, which wait behind the others. */
  readonly secondOpinions: Pick<SecondOpinions, 'films' | 'takeTask'>
  /** The prefetcher; null where this worker prefetches nothing. */
  readonly prefetcher: Prefetcher | null
  readonly oneAtATime: OneAtATime
  /** As `otherSoonFreeSlots`. */
  otherSlots(of: AskedSlots): number
  /** Peers from which an input can be had now. */
  reachable(): readonly PeerId[]
}

/** The claims of all encode slots of this worker. */
export interface EncodeClaims {
  /**
   * Claims one chunk in as many renditions as fit, one audio task, or both of a short film; null: there is none. One slot after the other: two at once
   * would each get a part of what belongs together.
   */
  claim(): Promise<Assigned | null>
  /** Drops what was read from the ledger: something changed. */
  forget(): void
}

/** Makes the claims; nothing is read before the first one. */
export const createEncodeClaims = (options: EncodeClaimsOptions, modules: EncodeClaimsModules): EncodeClaims =>
  new LedgerEncodeClaims(options, modules)

const NOTHING_KNOWN = { at: Number.NEGATIVE_INFINITY, known: [] } as const

class LedgerEncodeClaims implements EncodeClaims {
  readonly #options: EncodeClaimsOptions
  readonly #modules: EncodeClaimsModules
  /** Classes of PENDING tasks that this worker can do, as last read. */
  #classes: { readonly at: number; readonly known: readonly string[] } = NOTHING_KNOWN
  /** All classes seen so far: needed for tasks that are not PENDING. */
  readonly #seenClasses = new Set<string>()
  #claiming: Promise<unknown> = Promise.resolve()

  constructor(options: EncodeClaimsOptions, modules: EncodeClaimsModules) {
    this.#options = options
    this.#modules = modules
  }

  claim(): Promise<Assigned | null> {
    const claimed = this.#claiming.then(() => this.#claimWhole())
    this.#claiming = claimed.catch(() => {})
    return claimed
  }

  async #claimWhole(): Promise<Assigned | null> {
    const { prefetcher, claimWithToken, oneAtATime } = this.#modules
    const assigned = await claimWithToken((token) => this.#claim(token))
    const chunk = assigned?.find(({ task }) => kindFacts(task.kind).scope === 'chunk')
    if (chunk) {
      oneAtATime.claimed(chunk.task._id)
      prefetcher?.prefetchAfter(chunk.task)
    }
    return assigned
  }

  forget(): void {
    this.#classes = { ...NOTHING_KNOWN }
  }

  async #claim(token: Token): Promise<Assigned | null> {
    const { ledger, grace, prefetcher, pauses, reachable, secondOpinions, oneAtATime } = this.#modules
    const { self: worker } = this.#options
    const present = reachable()
    const known = await grace.watch(() => this.#ableClasses())
    for (const each of known) this.#seenClasses.add(each)
    const isBusy = await grace.watch(() => oneAtATime.isBusy())
    const isOpen = (each: string) => !pauses.isClassPaused(each) && !(isBusy && parseClass(each))
    const open = (classes: Iterable<string>) => [...classes].filter(isOpen)
    const able = open(known)
    const except = pauses.films()
    const failed = secondOpinions.films()
    const opinion = failed.length > 0 && !isBusy ? await this.#secondOpinion(token, { except, present }) : null
    if (opinion) return opinion
    const guess = able.length > 0 && !isBusy ? await prefetcher?.takeGuess() : null
    if (guess && ![...except, ...failed].includes(videoOf(guess))) {
      const got = await ledger.claimTask({ worker, token, task: guess, present, from: 'pending' })
      if (got.outcome === 'claimed') return this.#withSiblings(got, token, 'pending')
    }
    const asks = [
      ...(failed.length > 0 ? [{ from: 'pending', classes: able, except: [...except, ...failed] } as const] : []),
      // The second opinion about what it failed at is better another peer's.
      ...(pauses.hasFailed() ? [{ from: 'pending', classes: able, unstruck: true } as const] : []),
      { from: 'pending', classes: able } as const,
      { from: 'expired', classes: open(this.#seenClasses) } as const,
      { from: 'backup', classes: open(this.#seenClasses) } as const,
    ]
    for (const ask of asks) {
      if (ask.classes.length === 0 || (ask.from === 'expired' && !grace.isOver())) continue
      const anchor = await grace.watch(() => ledger.claimNext({ worker, token, except, present, ...ask }))
      if (anchor.outcome === 'claimed') return this.#withSiblings(anchor, token, ask.from)
    }
    // Where it could do none of them it asks again soon enough.
    if (able.length > 0) this.forget()
    return null
  }

  /** A task that another peer failed at, alone: its siblings wait as the rest of the film does. */
  async #secondOpinion(
    token: Token,
    { except, present }: { readonly except: readonly VideoId[]; readonly present: readonly PeerId[] },
  ): Promise<Assigned | null> {
    const { ledger, secondOpinions, pauses } = this.#modules
    const { self: worker, capability } = this.#options
    const mayTake = ({ kind, class: needs, video_id, strikes }: Task) =>
      kindFacts(kind).slots === 'encode' &&
      canDo(capability, needs) &&
      !pauses.isClassPaused(needs) &&
      !except.includes(video_id) &&
      !strikes.some(({ worker_id }) => worker_id === worker)
    for (let task = secondOpinions.takeTask(); task !== null; task = secondOpinions.takeTask()) {
      const found = await ledger.task(task)
      if (found === null || !mayTake(found)) continue
      const [held] = heldBy(await ledger.claimTask({ worker, token, task, present, from: 'pending' }))
      if (held) return [held]
    }
    return null
  }

  async #ableClasses(): Promise<readonly string[]> {
    const { ledger, clock } = this.#modules
    const keptMs = this.#classes.known.length > 0 ? IDLE_POLL_MS : IDLE_POLL_MS / 2
    const [before, at] = [this.#classes, clock.mono()]
    if (at - before.at <= keptMs) return before.known
    const pending = await ledger.pendingClasses()
    const known = pending.filter((each) => canDo(this.#options.capability, each))
    // What changed while they were read may not be in them.
    if (this.#classes === before) this.#classes = { at, known }
    return known
  }

  async #withSiblings({ task, attempt }: HeldTask, token: Token, source: ClaimSource): Promise<Assigned> {
    const { self, capability } = this.#options
    const { ledger, plans, otherSlots, pauses, reachable } = this.#modules
    const may = (needs: string) => canDo(capability, needs) && !pauses.isClassPaused(needs)
    const siblings = await claimSiblings(task, { token, source }, { self, may, ledger, plans, otherSlots, reachable })
    return [{ task, attempt }, ...siblings]
  }
}
