/**
 * Which running attempts get a backup (LATE: Zaharia et al., "Improving MapReduce Performance in Heterogeneous Environments",
 * OSDI 2008): those whose estimated time to end is far above what a fresh attempt would need, the longest first, while
 * slots are idle. Speculation is bounded, and unbounded only when nothing else is left to do.
 */
import type { PeerId, TaskId } from '../../protocol/ids.ts'

export interface RunningAttemptView {
  readonly task: TaskId
  /** The newest of its task: what `wantBackup` compares. */
  readonly attempt: number
  readonly worker: PeerId
  /** Attempts of one slot: renditions of one chunk share an ffmpeg, so they are slow together. */
  readonly slot: string
  readonly elapsedMs: number
  /** Share done, 0–1, as last heard; null when nothing was heard of it. */
  readonly done: number | null
  /** Its worker runs more than a heartbeat names, and this one is not among those named, the oldest. */
  readonly isUnlisted: boolean
  /** What a fresh attempt at it would take elsewhere, ms; null while nothing like it has ended. */
  readonly freshMs: number | null
  /** A second attempt runs or is wanted already. */
  readonly isBacked: boolean
}

export interface StragglerInput {
  readonly running: readonly RunningAttemptView[]
  /** Idle slots by peer. */
  readonly idle: ReadonlyMap<PeerId, number>
  /** Slots of the mesh. */
  readonly slots: number
  /** PENDING tasks of the encoding kinds. */
  readonly pending: number
}

export interface WantedBackup {
  readonly task: TaskId
  readonly attempt: number
  readonly reason: string
}

/** How many times the fresh time an attempt may still need before it counts as late. */
const LATE = 1.5
/** Estimates from less are noise. */
const LEAST_ELAPSED_MS = 4_000
const LEAST_DONE = 0.02
/** Share of the slots that may speculate while other work waits. */
const BUDGET_SHARE = 0.1

/** Backups to want now, for whole slots, longest remaining time first. */
export function pickBackups({ running, idle, slots, pending }: StragglerInput): WantedBackup[] {
  const idleSlots = [...idle.values()].reduce((sum, count) => sum + count, 0)
  const backed = new Set(running.filter((attempt) => attempt.isBacked).map((attempt) => attempt.slot)).size
  const budget = pending === 0 ? idleSlots : Math.max(1, Math.floor(BUDGET_SHARE * slots)) - backed
  const late = [...Map.groupBy(running, (attempt) => attempt.slot).values()]
    .map((group) => ({ group, remainingMs: Math.max(...group.map(remaining)) }))
    .filter(({ group, remainingMs }) => isLate(group, remainingMs))
    .filter(({ group }) => idleSlots - (idle.get(group[0]!.worker) ?? 0) > 0)
    .sort((a, b) => b.remainingMs - a.remainingMs)
  return late
    .slice(0, Math.max(0, Math.min(budget, idleSlots)))
    .flatMap(({ group, remainingMs }) =>
      group
        .filter((attempt) => !attempt.isBacked)
        .map(({ task, attempt, freshMs }) => ({ task, attempt, reason: reasonOf(remainingMs, freshMs) })),
    )
}

/** Estimated ms to the end: from the rate so far. Nothing done in twice the fresh time means it never ends, unless nobody could tell. */
export function remaining({ elapsedMs, done, isUnlisted, freshMs }: RunningAttemptView): number {
  if (isUnlisted) return 0
  if (done !== null && done >= LEAST_DONE) return (elapsedMs * (1 - done)) / done
  return freshMs !== null && elapsedMs > 2 * freshMs ? Number.POSITIVE_INFINITY : 0
}

function isLate(group: readonly RunningAttemptView[], remainingMs: number): boolean {
  if (group.every((attempt) => attempt.isBacked)) return false
  const fresh = Math.max(...group.map((attempt) => attempt.freshMs ?? Number.POSITIVE_INFINITY))
  return group[0]!.elapsedMs >= LEAST_ELAPSED_MS && remainingMs > LATE * fresh
}

const reasonOf = (remainingMs: number, freshMs: number | null): string =>
  Number.isFinite(remainingMs)
    ? `${Math.round(remainingMs / 1000)} s left, a new attempt takes ${Math.round((freshMs ?? 0) / 1000)} s`
    : `no progress in twice the ${Math.round((freshMs ?? 0) / 1000)} s that a new attempt takes`
