/**
 * Ends claims that hold work up, and quarantines peers that make them again and again. Two kinds: those at which a peer stands still for far
 * longer than a new attempt takes (`policy/overdue.ts`), and those beyond the slots that it tells. A straggler gets a backup attempt first
 * (`backup.ts`); where that completed the task, or the claim had to be ended, it counts against the peer, and after `QUARANTINE_AFTER_FAILURES`
 * chunks without a completed one in between the peer is quarantined and loses its claims on encodes. Slow machines, which say that they are
 * slow, are never among them.
 *
 * What was seen is kept for one term only: a new leader sees it again.
 */
import { chunkOf, type PeerId } from '../../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../../protocol/kinds.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { OUTCOMES_READ, QUARANTINE_AFTER_FAILURES, QUARANTINE_CHECK_MS } from '../../protocol/limits.ts'
import { presentPeers } from '../../protocol/peer-table.ts'
import type { Task } from '../../protocol/task.ts'
import type { Duty, TermContext } from '../duty.ts'
import { overdueMs, type Standstill, standstillOf } from '../policy/overdue.ts'
import { quarantineMs } from '../policy/quarantine.ts'
import type { RunningAttemptView } from '../policy/straggler.ts'
import { createAttemptViews } from '../running-attempts.ts'

/** The parts of the term that this duty uses. */
export type OverdueContext = Pick<TermContext, 'self' | 'ledger' | 'clock' | 'term' | 'emit' | 'hints' | 'peers'>

/** Encodes that one peer may hold, whatever it tells: more than any machine runs at once. */
const SLOTS_MAX = 128
/** How long claims beyond the slots of a peer last: a restarted peer with more slots is heard long before. */
const EXCESS_MS = 30_000
/** Share of the time after which an attempt is overdue that it must have stood still when its backup won: nothing is told in its first seconds. */
const STOOD_SHARE = 0.8
/** A claim without a backup ends when it stands still for this many times the time after which it is overdue. */
const ENDED_AFTER = 2

/** An attempt that is watched, and what was told of it. */
interface Watched {
  readonly peer: PeerId
  readonly task: Task
  readonly claim: ObservedClaim
  readonly standstill: Standstill
  readonly limitMs: number
}

/** The duty that ends overdue claims, for one term. `noneRuns`: whether it is known that no task is PROCESSING. */
export const createOverdue = (context: OverdueContext, noneRuns: () => boolean = () => false): Duty =>
  new OverdueClaims(context, noneRuns)

class OverdueClaims implements Duty {
  readonly name = 'overdue'
  readonly #context: OverdueContext
  readonly #noneRuns: () => boolean
  readonly #views: ReturnType<typeof createAttemptViews>
  /** By task and attempt. */
  #watched = new Map<string, Watched>()
  /** Chunks that count against a peer, and since when (ledger time). */
  readonly #counted = new Map<PeerId, { readonly since: number; readonly chunks: Set<string> }>()
  /** Since when a peer has held more than it may (monotonic ms). */
  readonly #excessSince = new Map<PeerId, number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(context: OverdueContext, noneRuns: () => boolean) {
    this.#context = context
    this.#noneRuns = noneRuns
    this.#views = createAttemptViews(context)
  }

  round = async (): Promise<void> => {
    const { ledger, clock } = this.#context
    if (clock.mono() - this.#lookedAt < QUARANTINE_CHECK_MS) return
    this.#lookedAt = clock.mono()
    const kinds = kindsWhere(({ slots }) => slots === 'encode')
    const running = this.#noneRuns() ? [] : await ledger.tasks({ kinds, statuses: ['PROCESSING'] })
    await this.#endExcess(running)
    await this.#watch(running)
  }

  async #watch(running: readonly Task[]): Promise<void> {
    const { ledger } = this.#context
    const now = await ledger.now()
    const before = this.#watched
    this.#watched = new Map()
    const present = this.#presentPeers()
    for (const view of await this.#views(
      running.filter(({ kind }) => kindFacts(kind).backedUp),
      now,
    )) {
      const task = running.find(({ _id }) => _id === view.task)!
      // What a peer does that is not heard is not known.
      if (present.has(view.worker)) this.#note({ view, task, now, before })
    }
    for (const [key, each] of before) if (!this.#watched.has(key)) await this.#hasEnded(each, now)
    for (const each of this.#watched.values()) {
      const stoodMs = now - each.standstill.since
      if (each.task.claims.length === 1 && stoodMs >= ENDED_AFTER * each.limitMs) await this.#end(each, stoodMs, now)
    }
  }

  #note(seen: {
    readonly view: RunningAttemptView
    readonly task: Task
    readonly now: number
    readonly before: ReadonlyMap<string, Watched>
  }): void {
    const { view, task, now, before } = seen
    const [claim] = claimsOf(task)
    if (!claim) return
    const key = `${task._id} ${claim.attempt}`
    const standstill = standstillOf(view, before.get(key)?.standstill, now)
    this.#watched.set(key, { peer: view.worker, task, claim, standstill, limitMs: overdueMs(view.freshMs) })
  }

  /** Counts an attempt that stood still until another one completed its task. */
  async #hasEnded({ peer, task, standstill, limitMs }: Watched, now: number): Promise<void> {
    if (now - standstill.since < STOOD_SHARE * limitMs) return
    const ended = await this.#context.ledger.task(task._id)
    if (ended?.status === 'COMPLETED' && ended.worker_id !== peer) await this.#count(peer, task, now)
  }

  async #end({ peer, task, claim }: Watched, stoodMs: number, now: number): Promise<void> {
    const reason = `it stands still at chunk ${task.chunk_id} for ${Math.round(stoodMs / 1000)} s`
    if ((await this.#reclaim(peer, [claim], reason)) > 0) await this.#count(peer, task, now)
  }

  async #count(peer: PeerId, task: Task, now: number): Promise<void> {
    const { ledger } = this.#context
    const counted = this.#counted.get(peer) ?? { since: now, chunks: new Set() }
    this.#counted.set(peer, counted)
    counted.chunks.add(chunkOf(task._id))
    if (counted.chunks.size < QUARANTINE_AFTER_FAILURES) return
    this.#counted.delete(peer)
    const outcomes = await ledger.outcomes(OUTCOMES_READ)
    const hasCompleted = outcomes.some((each) => each.worker_id === peer && (each.end_time ?? 0) > counted.since)
    if (!hasCompleted) await this.#quarantine(peer, counted.chunks.size)
  }

  async #quarantine(peer: PeerId, chunks: number): Promise<void> {
    const { ledger, hints, emit } = this.#context
    const [record, now] = [await ledger.peer(peer), await ledger.now()]
    if ((record.quarantined_until ?? 0) > now) return
    const quarantines = record.quarantines + 1
    const ms = quarantineMs(quarantines)
    const reason = `quarantined for ${Math.round(ms / 60_000)} min: stood still at ${chunks} chunks in a row, each far longer than others need`
    const period = { ms, quarantines, reason }
    if ((await ledger.quarantine(peer, { ...period, seen: record.quarantined_until })) !== 'changed') return
    hints.publish({ what: 'peers', video: null })
    await emit({ code: 'quarantined', peer, name: this.#nameOf(peer), ...period })
    const held = (await ledger.tasks({ worker: peer })).filter(({ kind }) => kindFacts(kind).slots === 'encode')
    await this.#reclaim(peer, claimsIn(held, peer), 'it is quarantined')
  }

  /** Ends the newest claims of each peer that holds more chunks than it has slots, for a while. */
  async #endExcess(running: readonly Task[]): Promise<void> {
    const { self, clock, peers } = this.#context
    const holders = new Set(running.flatMap(({ claims }) => claims.map(({ worker_id }) => worker_id)))
    holders.delete(self)
    for (const peer of this.#excessSince.keys()) if (!holders.has(peer)) this.#excessSince.delete(peer)
    for (const peer of holders) {
      const slots = Math.min(SLOTS_MAX, peers.get(peer)?.beat.slots ?? SLOTS_MAX)
      const mine = running.filter(({ claims }) => claims.some(({ worker_id }) => worker_id === peer))
      const chunks = Map.groupBy(mine, ({ kind, _id }) => (kindFacts(kind).scope === 'chunk' ? chunkOf(_id) : _id))
      if (chunks.size <= slots) {
        this.#excessSince.delete(peer)
        continue
      }
      const since = this.#excessSince.get(peer) ?? clock.mono()
      this.#excessSince.set(peer, since)
      if (clock.mono() - since < EXCESS_MS) continue
      const newestFirst = [...chunks.values()].sort((a, b) => startOf(b) - startOf(a))
      const excess = newestFirst.slice(0, chunks.size - slots).flat()
      const reason = `it holds ${chunks.size} chunks and has ${slots} ${slots === 1 ? 'slot' : 'slots'}`
      await this.#reclaim(peer, claimsIn(excess, peer), reason)
    }
  }

  /** Ends exactly these claims; answers of how many tasks. */
  async #reclaim(peer: PeerId, claims: readonly ObservedClaim[], reason: string): Promise<number> {
    const { ledger, term, hints, emit } = this.#context
    if (claims.length === 0) return 0
    const tasks = await ledger.reclaim(claims, { term, strike: null })
    if (tasks.length === 0) return 0
    hints.publish({ what: 'tasks', video: null })
    await emit({ code: 'reclaimed', peer, name: this.#nameOf(peer), tasks: tasks.length, reason })
    return tasks.length
  }

  #presentPeers(): ReadonlySet<PeerId> {
    const { peers, clock } = this.#context
    return new Set(presentPeers(peers, clock.mono()).map(({ peer }) => peer))
  }

  #nameOf(peer: PeerId): string {
    return this.#context.peers.get(peer)?.beat.name || peer
  }
}

const startOf = (tasks: readonly Task[]): number => Math.max(...tasks.map(({ start_time }) => start_time ?? 0))

const claimsOf = (task: Task): ObservedClaim[] =>
  task.claims.map(({ attempt, worker_id, token, expires_at }) => ({
    task: task._id,
    attempt,
    worker_id,
    token,
    expires_at,
  }))

const claimsIn = (tasks: readonly Task[], peer: PeerId): ObservedClaim[] =>
  tasks.flatMap(claimsOf).filter(({ worker_id }) => worker_id === peer)
