/**
 * Holds back the next chunk of a film whose chunks are encoded one at a time (`Plan`) while one of them runs: its threads keep both cores of a machine of
 * two slots busy, and two would hold twice the memory. Sound is encoded beside it.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { partOf, type TaskId, videoOf } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { PlanSource } from '../videos/plan-source.ts'

/** Most slots of a machine on which one encode of several threads is enough. */
export const SLOTS_OF_ONE = 2

const KINDS: ReadonlySet<string> = new Set(kindsWhere(() => true))

/** Time from a claim until its attempt runs, at most, ms. */
const STARTS_WITHIN_MS = 2_000

/** Whether pictures are held back. */
export interface OneAtATime {
  /** Notes a task that was claimed: its attempt runs a moment later. */
  claimed(task: TaskId): void
  /** Whether a chunk that is encoded alone runs here. Rejects with `LedgerUnavailable`. */
  isBusy(): Promise<boolean>
}

/** Makes it, for a worker with so many slots. */
export function createOneAtATime(
  { slots }: { readonly slots: number },
  modules: {
    readonly attempts: { running(): readonly RunningAttempt[] }
    readonly plans: PlanSource
    readonly clock: Clock
  },
): OneAtATime {
  const { attempts, plans, clock } = modules
  let starting: { readonly task: TaskId; readonly at: number } | null = null
  return {
    claimed(task) {
      starting = { task, at: clock.mono() }
    },
    async isBusy() {
      if (slots > SLOTS_OF_ONE) return false
      const running = attempts.running().map(({ task }) => task)
      if (starting && (running.includes(starting.task) || clock.mono() - starting.at > STARTS_WITHIN_MS))
        starting = null
      const tasks = starting ? [...running, starting.task] : running
      // The part of a chunk is a rendition, and the name of no kind.
      const chunks = tasks.filter((task) => !KINDS.has(partOf(task)))
      const all = await Promise.all([...new Set(chunks.map(videoOf))].map((video) => plans.planOf(video)))
      return all.some((plan) => plan.one_at_a_time === true)
    },
  }
}
