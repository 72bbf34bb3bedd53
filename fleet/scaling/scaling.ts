/**
 * How many workers the mesh should have: the work that waits ÷ how fast a worker does it ÷ the time it may take. Pure: what is
 * known now, the rules and the recent past in; a number, its reason and the new past out.
 *
 * Up at once, down late: what is wanted never falls below the largest need of the last `cooldown_s` (the stabilization window
 * of Kubernetes' HorizontalPodAutoscaler). So between a rise and the fall after it at least the cooldown passes, however
 * noisy the speeds are; and a queue that fills again within it finds its workers still there.
 *
 * What it leaves out: prices of machines, and forecasts. It knows no work that nobody has submitted.
 */
import type { RenditionId } from '../../protocol/rendition.ts'

export interface ScalingRules {
  readonly min: number
  readonly max: number
  /** Waiting work should be done within this, s. */
  readonly target_s: number
  /** A lower need must last this long before workers go, s. */
  readonly cooldown_s: number
}

export interface ScalingView {
  /** Monotonic, ms. */
  readonly now: number
  /** What is not yet encoded, in worker-seconds, by rendition. */
  readonly pending: ReadonlyMap<RenditionId, number>
  /** Open videos whose length nobody knows yet. */
  readonly unplanned: number
  /** The workers that people started: they are there anyway. */
  readonly standing: readonly StandingWorker[]
  /** What is wanted now. */
  readonly wanted: number
}

export interface StandingWorker {
  /** Encodes at once. */
  readonly slots: number
  /** What it encodes. */
  readonly renditions: 'all' | readonly RenditionId[]
}

/** Needs of the last `cooldown_s`, oldest first, each lower than the one before: a need that a later one reached is forgotten. */
export type ScalingPast = readonly { readonly at: number; readonly need: number }[]

export interface ScalingDecision {
  readonly wanted: number
  readonly reason: string
  readonly past: ScalingPast
}

export function decideScaling(view: ScalingView, rules: ScalingRules, past: ScalingPast): ScalingDecision {
  const { need, why } = needOf(view, rules)
  const clamped = Math.max(rules.min, Math.min(rules.max, need))
  // A new leader knows no past: what it finds wanted was needed a moment ago.
  const before = past.length > 0 ? past : [{ at: view.now, need: view.wanted }]
  const higher = before.filter(({ at, need }) => need > clamped && view.now - at < rules.cooldown_s * 1000)
  const recent = [...higher, { at: view.now, need: clamped }]
  const held = recent.reduce((most, one) => Math.max(most, one.need), clamped)
  const wanted = Math.max(rules.min, Math.min(rules.max, held))
  return { wanted, reason: reasonOf({ need, why, clamped, wanted, rules, now: view.now, recent }), past: recent }
}

/**
 * Workers beyond the standing ones that would do the work in time, and the sum in words. A standing worker helps only with its own
 * renditions, so sets of renditions are looked at: what their work takes, less the standing ones that do some of it. The largest
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
  const beside = largest.standing > 0 ? ` beside ${largest.standing} standing` : ''
  const takes = `in ${amount(rules.target_s)} takes ${largest.slots}${beside}`
  return { need: largest.need, why: `${waiting(view, largest.renditions, all)} ${takes}` }
}

/** Restrictions of workers of which all combinations are looked at; of more kinds only those with the most slots. */
const RESTRICTIONS_MAX = 10

/** All of them first, then all but what some restricted workers do. */
function setsToCheck({ standing }: ScalingView, all: readonly RenditionId[]): RenditionId[][] {
  const restricted = Map.groupBy(
    standing.flatMap(({ renditions, slots }) => (renditions === 'all' ? [] : { renditions, slots })),
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
  readonly slots: number
  readonly standing: number
  readonly need: number
}

function needOfSet(view: ScalingView, rules: ScalingRules, renditions: readonly RenditionId[]): SetNeed {
  const slots = Math.max(1, Math.ceil(workSeconds(view, renditions) / rules.target_s))
  // Of a video that is not planned yet nobody knows the renditions: whoever stands may be the one for it.
  const able = view.standing.filter((worker) => renditions.length === 0 || doesSome(worker, renditions))
  const standing = able.reduce((sum, worker) => sum + worker.slots, 0)
  return { renditions, slots, standing, need: Math.max(0, slots - standing) }
}

const doesSome = (worker: StandingWorker, renditions: readonly RenditionId[]): boolean =>
  renditions.some((id) => worker.renditions === 'all' || worker.renditions.includes(id))

function waiting(view: ScalingView, renditions: readonly RenditionId[], all: readonly RenditionId[]): string {
  if (renditions.length === 0) return `${view.unplanned} video${view.unplanned > 1 ? 's' : ''} not yet planned`
  const only = renditions.length < all.length ? ` at ${renditions.join(' and ')}` : ''
  return `${amount(workSeconds(view, renditions))} of work${only}`
}

/** All sets of some of these, the empty one left out. */
export function subsets<T>(of: readonly T[]): T[][] {
  const [first, ...rest] = of
  if (first === undefined) return []
  const others = subsets(rest)
  return [[first], ...others, ...others.map((set) => [first, ...set])]
}

/** What waits at these renditions, in seconds of one worker. */
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

/** Spreads what the mesh wants over its engines, as evenly as whole workers allow, the same way every time. */
export function spread(wanted: number, engines: readonly string[]): Map<string, number> {
  const sorted = [...engines].sort()
  const [each, rest] = [Math.floor(wanted / Math.max(1, sorted.length)), wanted % Math.max(1, sorted.length)]
  return new Map(sorted.map((engine, at) => [engine, each + (at < rest ? 1 : 0)]))
}
