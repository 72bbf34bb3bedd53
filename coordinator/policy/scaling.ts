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
  /** Encodes at once of the workers that people started: they are there anyway. */
  readonly standing: number
  /** What is wanted now. */
  readonly wanted: number
}

/** Needs of the last `cooldown_s`, oldest first. */
export type ScalingPast = readonly { readonly at: number; readonly need: number }[]

export interface ScalingDecision {
  readonly wanted: number
  readonly reason: string
  readonly past: ScalingPast
}

/** Needs kept: one a second over the longest cooldown; equal neighbours are one. */
const PAST_MAX = 3_600

export function decideScaling(view: ScalingView, rules: ScalingRules, past: ScalingPast): ScalingDecision {
  const { need, why } = needOf(view, rules)
  const clamped = Math.max(rules.min, Math.min(rules.max, need))
  // A new leader knows no past: what it finds wanted was needed a moment ago.
  const before = past.length > 0 ? past : [{ at: view.now, need: view.wanted }]
  const recent = [...before, { at: view.now, need: clamped }]
    .filter(({ at }) => view.now - at < rules.cooldown_s * 1000)
    .slice(-PAST_MAX)
  const held = recent.reduce((most, one) => Math.max(most, one.need), clamped)
  const wanted = Math.max(rules.min, Math.min(rules.max, held))
  return { wanted, reason: reasonOf({ need, why, clamped, wanted, rules, now: view.now, recent }), past: recent }
}

/** Workers beyond the standing ones that would do the work in time, and the sum in words. */
export function needOf(view: ScalingView, rules: ScalingRules): { need: number; why: string } {
  const work = workSeconds(view)
  if (work === 0 && view.unplanned === 0) return { need: 0, why: 'nothing waits' }
  const slots = Math.max(1, Math.ceil(work / rules.target_s))
  const need = Math.max(0, slots - view.standing)
  const waiting =
    work > 0 ? `${amount(work)} of work` : `${view.unplanned} video${view.unplanned > 1 ? 's' : ''} not yet planned`
  const standing = view.standing > 0 ? ` beside ${view.standing} standing` : ''
  return { need, why: `${waiting} in ${amount(rules.target_s)} takes ${slots}${standing}` }
}

/** What waits, in seconds of one worker. */
export function workSeconds({ pending, costs }: Pick<ScalingView, 'pending' | 'costs'>): number {
  return RESOLUTIONS.reduce((sum, rung) => sum + (pending.get(rung) ?? 0) * (costs.get(rung) ?? 0), 0)
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
