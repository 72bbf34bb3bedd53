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
import { RESOLUTIONS, type Resolution } from '../../protocol/ids.ts'

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
  /** Source seconds that are not yet encoded, by rendition. */
  readonly pending: ReadonlyMap<Resolution, number>
  /** Worker-seconds that one source second takes, by rendition. */
  readonly costs: ReadonlyMap<Resolution, number>
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
  readonly rungs: readonly Resolution[]
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
 * rungs, so each set of rungs is looked at: what its work takes, less the standing ones that do some of it. The largest need is
 * enough for all of them (Hall's marriage theorem, for work that may be split), as a started worker takes every rung.
 */
export function needOf(view: ScalingView, rules: ScalingRules): { need: number; why: string } {
  const rungs = RESOLUTIONS.filter((rung) => workSeconds(view, [rung]) > 0)
  if (rungs.length === 0 && view.unplanned === 0) return { need: 0, why: 'nothing waits' }
  const needs = [rungs, ...subsets(rungs)].map((some) => needOfRungs(view, rules, some))
  const largest = needs.reduce((most, one) => (one.need > most.need ? one : most))
  const beside = largest.standing > 0 ? ` beside ${largest.standing} standing` : ''
  const takes = `in ${amount(rules.target_s)} takes ${largest.slots}${beside}`
  return { need: largest.need, why: `${waiting(view, largest.rungs, rungs)} ${takes}` }
}

interface RungsNeed {
  readonly rungs: readonly Resolution[]
  readonly slots: number
  readonly standing: number
  readonly need: number
}

function needOfRungs(view: ScalingView, rules: ScalingRules, rungs: readonly Resolution[]): RungsNeed {
  const slots = Math.max(1, Math.ceil(workSeconds(view, rungs) / rules.target_s))
  // Of a video that is not planned yet nobody knows the rungs: whoever stands may be the one for it.
  const able = view.standing.filter((worker) => rungs.length === 0 || worker.rungs.some((rung) => rungs.includes(rung)))
  const standing = able.reduce((sum, worker) => sum + worker.slots, 0)
  return { rungs, slots, standing, need: Math.max(0, slots - standing) }
}

function waiting(view: ScalingView, rungs: readonly Resolution[], all: readonly Resolution[]): string {
  if (rungs.length === 0) return `${view.unplanned} video${view.unplanned > 1 ? 's' : ''} not yet planned`
  const only = rungs.length < all.length ? ` at ${rungs.join(' and ')}` : ''
  return `${amount(workSeconds(view, rungs))} of work${only}`
}

/** All sets of some of these, the empty one left out. */
export function subsets<T>(of: readonly T[]): T[][] {
  const [first, ...rest] = of
  if (first === undefined) return []
  const others = subsets(rest)
  return [[first], ...others, ...others.map((set) => [first, ...set])]
}

/** What waits at these rungs, in seconds of one worker. */
export function workSeconds(
  { pending, costs }: Pick<ScalingView, 'pending' | 'costs'>,
  rungs: readonly Resolution[] = RESOLUTIONS,
): number {
  return rungs.reduce((sum, rung) => sum + (pending.get(rung) ?? 0) * (costs.get(rung) ?? 0), 0)
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
