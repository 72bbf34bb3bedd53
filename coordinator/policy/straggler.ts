/**
 * Which running attempts get a backup (LATE: Zaharia et al., "Improving MapReduce Performance in Heterogeneous Environments",
 * OSDI 2008): those whose estimated time to end is far above that of a new attempt, the longest first, while slots are idle, and those that run
 * for far longer than a new one would, whatever is said of them. While other
 * tasks wait, only `BUDGET_SHARE` of the slots may speculate.
 */
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { overdueMs } from './overdue.ts'

/** A running attempt as the leader knows it. */
export interface RunningAttemptView {
  readonly task: TaskId
  /** The newest attempt of its task, which `wantBackup` compares. */
  readonly attempt: number
  readonly worker: PeerId
  /** Equal for attempts in one slot: renditions of one chunk share an ffmpeg, so they are slow together. */
  readonly slot: string
  readonly elapsedMs: number
  /** Share done, 0–1, by the last heartbeat; null where none listed it. */
  readonly done: number | null
  /** Whether its worker runs more attempts than a heartbeat lists, and this one is not listed. */
  readonly isUnlisted: boolean
  /** Estimated time of a new attempt, ms; null before a similar task is COMPLETED. */
  readonly freshMs: number | null
  /** It is itself a backup: `elapsedMs` counts from an earlier attempt. */
  readonly isBackup: boolean
  /** A second attempt runs or is wanted already. */
  readonly isBacked: boolean
}

/** The running attempts and the free capacity of the mesh. */
export interface StragglerInput {
  readonly running: readonly RunningAttemptView[]
  /** Number of idle slots, by peer. */
  readonly idle: ReadonlyMap<PeerId, number>
  /** Number of slots of the mesh. */
  readonly slots: number
  /** Number of PENDING tasks that need an encode slot; only whether it is 0 matters. */
  readonly pending: number
}

/** A task that should get a backup attempt. */
export interface WantedBackup {
  readonly task: TaskId
  readonly attempt: number
  readonly reason: string
}

/** An attempt is late when its remaining time is above this factor × the time of a new attempt. */
const LATE = 1.5
/** Elapsed time (ms) and share done (0–1) below which an estimate is too inexact. */
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
        .map((late) => ({ task: late.task, attempt: late.attempt, reason: reasonOf(remainingMs, late) })),
    )
}

/**
 * Estimated ms to the end, by the rate so far. Infinity where it has done nothing in twice the time of a new attempt, or is overdue; 0 where its
 * progress is not known.
 */
export function remaining({ elapsedMs, done, isUnlisted, freshMs, isBackup }: RunningAttemptView): number {
  if (!isBackup && elapsedMs > overdueMs(freshMs)) return Number.POSITIVE_INFINITY
  if (isUnlisted) return 0
  if (done !== null && done >= LEAST_DONE) return (elapsedMs * (1 - done)) / done
  return freshMs !== null && elapsedMs > 2 * freshMs ? Number.POSITIVE_INFINITY : 0
}

function isLate(group: readonly RunningAttemptView[], remainingMs: number): boolean {
  if (group.every((attempt) => attempt.isBacked)) return false
  const fresh = Math.max(...group.map((attempt) => attempt.freshMs ?? Number.POSITIVE_INFINITY))
  return group[0]!.elapsedMs >= LEAST_ELAPSED_MS && remainingMs > LATE * fresh
}

function reasonOf(remainingMs: number, { elapsedMs, freshMs }: RunningAttemptView): string {
  const fresh = `${Math.round((freshMs ?? 0) / 1000)} s`
  if (Number.isFinite(remainingMs)) return `${Math.round(remainingMs / 1000)} s left, a new attempt takes ${fresh}`
  return elapsedMs > overdueMs(freshMs)
    ? `it runs for ${Math.round(elapsedMs / 1000)} s, a new attempt takes ${fresh}`
    : `no progress in twice the ${fresh} that a new attempt takes`
}
