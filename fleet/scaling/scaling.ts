/**
 * The number of workers that the fleet should have: waiting work ÷ speed of a worker ÷ target time. Pure: the present state, the rules and
 * the recent past in; a number, its reason and the new past out.
 *
 * Work before a deadline must be done by then: where that needs more workers than the target does, as many are wanted.
 *
 * The number rises at once and falls late: it is never below the largest need of the last `cooldown_s` (the stabilization window of
 * Kubernetes' HorizontalPodAutoscaler). So at least the cooldown passes between a rise and the fall after it, however noisy the
 * speeds are, and a queue that fills again within it finds its workers still running.
 *
 * Leaves out: prices of machines, and forecasts of work that is not submitted yet.
 */
import type { RenditionId } from '../../protocol/rendition.ts'

/** The bounds of a fleet, as configured. */
export interface ScalingRules {
  /** Smallest number of started workers in the mesh. */
  readonly min: number
  /** Largest number of started workers in the mesh; not below `min`. */
  readonly max: number
  /** Waiting work should be done within this, s. */
  readonly target_s: number
  /** A lower need must last this long before workers are drained, s. */
  readonly cooldown_s: number
}

/** The input of a scaling decision. */
export interface ScalingView {
  /** This peer's monotonic clock, ms. */
  readonly now: number
  /** Work that is not encoded yet, in worker-seconds, by rendition. */
  readonly pending: ReadonlyMap<RenditionId, number>
  /** Number of open videos without a plan, whose length is not known yet. */
  readonly unplanned: number
  /** The videos with a deadline, the first deadline first; absent: none. */
  readonly dated?: readonly DatedWork[]
  /** The workers that people started, which the fleet does not count. */
  readonly static: readonly StaticWorker[]
  /** Started workers that the last decision wanted. */
  readonly wanted: number
}

/** What a video with a deadline still needs. */
export interface DatedWork {
  /** Seconds until its deadline. */
  readonly left_s: number
  /** Work in worker-seconds, by rendition; part of `pending`. */
  readonly pending: ReadonlyMap<RenditionId, number>
}

/** A worker that a person started. */
export interface StaticWorker {
  /** Number of encodes that it runs at once. */
  readonly slots: number
  /** Ids of the renditions that it encodes. */
  readonly renditions: 'all' | readonly RenditionId[]
}

/** Needs of the last `cooldown_s`, oldest first, each lower than the one before: one that a later need reached is removed. `at`: ms. */
export type ScalingPast = readonly { readonly at: number; readonly need: number }[]

/** The result of a scaling decision. */
export interface ScalingDecision {
  /** Number of started workers wanted in the mesh. */
  readonly wanted: number
  /** A phrase without a full stop, such as `20 min of work in 10 min takes 2`. */
  readonly reason: string
  /** Input of the next decision. */
  readonly past: ScalingPast
}

/** The number of started workers by these rules. `past`: that of the last decision; empty for the first. */
export function decideScaling(view: ScalingView, rules: ScalingRules, past: ScalingPast): ScalingDecision {
  const { need, why } = needOf(view, rules)
  const clamped = Math.max(rules.min, Math.min(rules.max, need))
  // A new leader has no past: what was wanted before it led counts as needed now.
  const before = past.length > 0 ? past : [{ at: view.now, need: view.wanted }]
  const higher = before.filter(({ at, need }) => need > clamped && view.now - at < rules.cooldown_s * 1000)
  const recent = [...higher, { at: view.now, need: clamped }]
  const held = recent.reduce((most, one) => Math.max(most, one.need), clamped)
  const wanted = Math.max(rules.min, Math.min(rules.max, held))
  return { wanted, reason: reasonOf({ need, why, clamped, wanted, rules, now: view.now, recent }), past: recent }
}

/**
 * How many workers beside the static ones would do the work in time, and the calculation in words. A static worker helps only with its
 * own renditions, so sets of renditions are compared: what their work takes, less the static workers that do some of it. The largest
 * need is enough for all sets (Hall's marriage theorem, for work that may be split), as a started worker takes every rendition.
 *
 * Only sets that leave out all that some of the workers do can have the largest need: for a given set of workers that do not
 * help, more renditions are more work.
 */
export function needOf(view: ScalingView, rules: ScalingRules): { need: number; why: string } {
  const all = [...view.pending.keys()].filter((id) => workSeconds(view, [id]) > 0)
  if (all.length === 0 && view.unplanned === 0) return { need: 0, why: 'nothing waits' }
  const needs = setsToCheck(view, all).map((some) => needOfSet(view, rules, some))
  const largest = needs.reduce((most, one) => (one.need > most.need ? one : most))
  const having = largest.static > 0 ? `, static workers have ${largest.static}` : ''
  const { before } = largest
  const what = before
    ? `${amount(before.work_s)} of work before a deadline in ${amount(before.left_s)}`
    : `${waiting(view, largest.renditions, all)} in ${amount(rules.target_s)}`
  return { need: largest.need, why: `${what} takes ${largest.slots}${having}` }
}

/** Number of different restrictions of workers of which all combinations are compared; of more, those with the most slots. */
const RESTRICTIONS_MAX = 10

/** The set of all renditions, then those without what some restricted workers encode. */
function setsToCheck(view: ScalingView, all: readonly RenditionId[]): RenditionId[][] {
  const restricted = Map.groupBy(
    view.static.flatMap(({ renditions, slots }) => (renditions === 'all' ? [] : { renditions, slots })),
    ({ renditions }) => [...renditions].sort().join(),
  )
  const slotsOf = (workers: readonly { slots: number }[]) => workers.reduce((sum, { slots }) => sum + slots, 0)
  const largest = [...restricted.values()].sort((a, b) => slotsOf(b) - slotsOf(a)).slice(0, RESTRICTIONS_MAX)
  const without = subsets(largest.map(([worker]) => worker!.renditions)).map((done) =>
    all.filter((id) => !done.some((renditions) => renditions.includes(id))),
  )
  return [[...all], ...without.filter((some) => some.length > 0)]
}

interface SetNeed {
  readonly renditions: readonly RenditionId[]
  /** Number of slots that do the work of these renditions in time. */
  readonly slots: number
  /** The deadline that needs so many; null where the target does. */
  readonly before: TightDeadline | null
  /** Number of slots of static workers that encode some of them. */
  readonly static: number
  readonly need: number
}

function needOfSet(view: ScalingView, rules: ScalingRules, renditions: readonly RenditionId[]): SetNeed {
  const byTarget = Math.max(1, Math.ceil(workSeconds(view, renditions) / rules.target_s))
  const tightest = tightestDeadline(view, renditions)
  const byDeadline = tightest ? Math.ceil(tightest.work_s / tightest.left_s) : 0
  const slots = Math.max(byTarget, byDeadline)
  // The renditions of a video that is not planned yet are not known: any static worker may be able to encode it.
  const able = view.static.filter((worker) => renditions.length === 0 || doesSome(worker, renditions))
  const having = able.reduce((sum, worker) => sum + worker.slots, 0)
  const before = byDeadline > byTarget ? tightest : null
  return { renditions, slots, before, static: having, need: Math.max(0, slots - having) }
}

/** A started worker is of use after about so long, s: a deadline that is nearer is no reason to start one. */
const USEFUL_AFTER_S = 60

/** A deadline, seconds from now, and the worker-seconds that must be done before it. */
interface TightDeadline {
  readonly left_s: number
  readonly work_s: number
}

/** The deadline that needs the most slots: by then what is due at it and before it must be done. */
function tightestDeadline({ dated = [] }: ScalingView, renditions: readonly RenditionId[]): TightDeadline | null {
  let tightest: TightDeadline | null = null
  let work_s = 0
  for (const { left_s, pending } of dated) {
    if (left_s < USEFUL_AFTER_S) continue
    work_s += workSeconds({ pending }, renditions)
    if (!tightest || work_s / left_s > tightest.work_s / tightest.left_s) tightest = { left_s, work_s }
  }
  return tightest
}

const doesSome = (worker: StaticWorker, renditions: readonly RenditionId[]): boolean =>
  renditions.some((id) => worker.renditions === 'all' || worker.renditions.includes(id))

function waiting(view: ScalingView, renditions: readonly RenditionId[], all: readonly RenditionId[]): string {
  if (renditions.length === 0) return `${view.unplanned} video${view.unplanned > 1 ? 's' : ''} not yet planned`
  const only = renditions.length < all.length ? ` at ${renditions.join(' and ')}` : ''
  return `${amount(workSeconds(view, renditions))} of work${only}`
}

/** All subsets except the empty one. */
export function subsets<T>(of: readonly T[]): T[][] {
  const [first, ...rest] = of
  if (first === undefined) return []
  const others = subsets(rest)
  return [[first], ...others, ...others.map((set) => [first, ...set])]
}

/** Waiting work of these renditions, in worker-seconds. */
export function workSeconds({ pending }: Pick<ScalingView, 'pending'>, renditions: readonly RenditionId[]): number {
  return renditions.reduce((sum, id) => sum + (pending.get(id) ?? 0), 0)
}

function reasonOf(facts: {
  need: number
  why: string
  clamped: number
  wanted: number
  rules: ScalingRules
  now: number
  recent: ScalingPast
}): string {
  const { need, why, clamped, wanted, rules } = facts
  if (wanted > clamped) {
    const last = facts.recent.findLast((one) => one.need >= wanted)
    const left = rules.cooldown_s - (facts.now - (last?.at ?? facts.now)) / 1000
    return `${why}; the others stay ${amount(Math.max(1, left))} more`
  }
  if (need > rules.max) return `${why}, at most ${rules.max} allowed`
  if (need < rules.min) return `${why}, at least ${rules.min} asked for`
  return why
}

function amount(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Divides the number of wanted workers among the engines, as evenly as possible; equal input gives equal output. */
export function spread(wanted: number, engines: readonly string[]): Map<string, number> {
  const sorted = [...engines].sort()
  const [each, rest] = [Math.floor(wanted / Math.max(1, sorted.length)), wanted % Math.max(1, sorted.length)]
  return new Map(sorted.map((engine, at) => [engine, each + (at < rest ? 1 : 0)]))
}
