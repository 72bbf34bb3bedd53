/**
 * Claims of control tasks, which are bound by I/O: a few slots beside the encode slots, what comes first in them, and how it is claimed.
 *
 * Promises: a merge always finds a slot that no ingest can take; an ingest that has cut its window leaves its slot while it
 * waits for the encoders, so that the next video is ingested meanwhile.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { type KindName, kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import { type Assigned, heldBy } from './attempts.ts'
import type { OutageGrace } from './outage-grace.ts'
import type { ClaimWithToken } from './token-claims.ts'

type Ranked = Pick<Task, '_id' | 'priority' | 'due' | 'rank'>

/** The order of every claim: priority, then due, then rank, then `_id`. */
export const byUrgency = (a: Ranked, b: Ranked): number =>
  b.priority - a.priority || a.due - b.due || a.rank - b.rank || (a._id < b._id ? -1 : 1)

/** Whether so many of its kind, of its priority or a higher one, wait here that one more had only to wait as well. */
export function isCrowdedOut(
  task: Pick<Task, 'kind' | 'priority'>,
  waiting: Iterable<Pick<Task, 'kind' | 'priority'>>,
): boolean {
  const { waitingMax } = kindFacts(task.kind)
  if (waitingMax === null) return false
  return (
    [...waiting].filter(({ kind, priority }) => kind === task.kind && priority >= task.priority).length >= waitingMax
  )
}

export interface ControlClaimsModules {
  readonly ledger: Pick<Ledger, 'tasks' | 'now' | 'claimTask'>
  readonly clock: Clock
  readonly grace: OutageGrace
  /** Ingests that left their slots and run on. */
  readonly waiting: ReadonlySet<Task>
  mayTakeControlTask(task: Task, now: number): Promise<boolean>
  readonly claimWithToken: ClaimWithToken
}

export interface ControlClaims {
  /** The most urgent task of these kinds that this peer should take, claimed; null: none. */
  claim(kinds: readonly KindName[]): Promise<Assigned | null>
  /** Something changed: what was read of the ledger holds no longer. */
  forget(): void
}

export function createControlClaims({ self }: { readonly self: PeerId }, modules: ControlClaimsModules): ControlClaims {
  const { ledger, clock, grace, waiting, mayTakeControlTask, claimWithToken } = modules
  const looks = new Map<KindName, { at: number; open: Promise<readonly Task[]> }>()
  const forget = () => looks.clear()

  /** All that are open, as what others should take blocks nobody: thousands maybe, read once for all slots of the kind. */
  function openTasks(kind: KindName): Promise<readonly Task[]> {
    const last = looks.get(kind)
    if (last && clock.mono() - last.at < IDLE_POLL_MS / 2) return last.open
    const open = grace.watch(() => ledger.tasks({ kinds: [kind], statuses: ['PENDING', 'PROCESSING'] }))
    looks.set(kind, { at: clock.mono(), open })
    open.catch(forget)
    return open
  }

  async function claim(kinds: readonly KindName[]): Promise<Assigned | null> {
    const open = (await Promise.all(kinds.map(openTasks))).flat().sort(byUrgency)
    if (open.length === 0) return null
    const now = await ledger.now()
    for (const task of open) {
      if (isCrowdedOut(task, waiting)) continue
      const free = task.status === 'PENDING' ? task.not_before <= now : task.claimable_at <= now && grace.isOver()
      if (!free || !(await mayTakeControlTask(task, now))) continue
      const got = await claimWithToken(async (token) => {
        const [held] = heldBy(await ledger.claimTask({ worker: self, token, task: task._id, from: 'free' }))
        return held ? [held] : null
      })
      // Taken, or no longer as it was read.
      forget()
      if (got) return got
    }
    return null
  }

  return { claim, forget }
}
