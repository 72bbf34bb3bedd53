/**
 * Claims of control tasks, which are bound by I/O: they have a few slots beside the encode slots.
 *
 * Promises: one slot is for merges only; an ingest that has cut its window releases its slot while it waits for the encoders, so that the next
 * video is ingested meanwhile.
 */
import type { Clock } from '../../protocol/clock.ts'
import { type PeerId, type TaskId, type VideoId, videoOf } from '../../protocol/ids.ts'
import { type KindName, kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS, VIDEOS_ASKED_AT_ONCE } from '../../protocol/limits.ts'
import { FEW, LOOKS_MAX_MS } from '../../protocol/pace.ts'
import type { Task } from '../../protocol/task.ts'
import { type Assigned, heldBy } from './attempts.ts'
import type { MayTakeControlTask } from './control-task-order.ts'
import { createOpenTasks } from './open-tasks.ts'
import type { OutageGrace } from './outage-grace.ts'
import type { Pauses } from './pauses.ts'
import type { ClaimWithToken } from './token-claims.ts'

type Ranked = Pick<Task, '_id' | 'priority' | 'due' | 'rank'>

/** The order of every claim: priority, then due, then rank, then `_id`. */
export const byUrgency = (a: Ranked, b: Ranked): number =>
  b.priority - a.priority || a.due - b.due || a.rank - b.rank || (a._id < b._id ? -1 : 1)

/** Whether `waitingMax` attempts of this kind, of the same or a higher priority, wait here already. */
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

/** Videos that are read first: as many as wait in most queues. */
const FIRST_ASKED = 8

/** The parts that the claims use. */
export interface ControlClaimsModules {
  readonly ledger: Pick<Ledger, 'tasks' | 'videos' | 'now' | 'claimTask'>
  readonly clock: Clock
  readonly grace: OutageGrace
  /** Films of which this peer failed at a control task lately. */
  readonly pauses: Pick<Pauses, 'films'>
  /** Ingests that have released their slots and still run. */
  readonly waiting: ReadonlySet<Task>
  /** Begins a look at tasks: which of them this peer should take. `count`: number of them. */
  lookAtControlTasks(count: number): Promise<MayTakeControlTask>
  readonly claimWithToken: ClaimWithToken
}

/** The claims of all control-task slots of this peer. */
export interface ControlClaims {
  /** Claims the first task of these kinds that this peer should take; null: none. */
  claim(kinds: readonly KindName[]): Promise<Assigned | null>
  /** Drops what was read from the ledger: something changed of these videos; null: of some that nobody named. */
  forget(videos: Iterable<VideoId> | null): void
}

/** Makes the claims; nothing is read before the first one. */
export function createControlClaims({ self }: { readonly self: PeerId }, modules: ControlClaimsModules): ControlClaims {
  const { ledger, clock, grace, pauses, waiting, lookAtControlTasks, claimWithToken } = modules
  const openTasks = createOpenTasks({ ledger, clock, grace, order: byUrgency })
  /** Tasks that this peer should not take, and until when it is not asked about again (monotonic ms). */
  const refused = new Map<TaskId, number>()

  const changes = createChanges()

  function forget(videos: Iterable<VideoId> | null): void {
    openTasks.forget(videos)
    const changed = videos && new Set(videos)
    changes.note(changed)
    for (const [task, until] of refused)
      if (changed === null || changed.has(videoOf(task)) || until <= clock.mono()) refused.delete(task)
  }

  /** A refusal is remembered: of few tasks for as long as they are not read again, of very many for longer the more there are. */
  function refuse(task: Task, count: number): void {
    const ms = count > FEW ? Math.min(LOOKS_MAX_MS, (IDLE_POLL_MS * count) / FEW) : IDLE_POLL_MS / 2
    refused.set(task._id, clock.mono() + ms)
  }

  async function claimOne(kinds: readonly KindName[], hasChanged: (video: VideoId) => boolean) {
    const open = await openTasks.of(kinds)
    const [looked, paused] = [clock.mono(), new Set(pauses.films())]
    const asked = open.filter(
      (task) => (refused.get(task._id) ?? 0) <= looked && !paused.has(task.video_id) && !isCrowdedOut(task, waiting),
    )
    if (asked.length === 0) return null
    const now = await ledger.now()
    const isFree = ({ status, not_before, claimable_at }: Task) =>
      status === 'PENDING' ? not_before <= now : claimable_at <= now && grace.isOver()
    const free = asked.filter(isFree).sort(byUrgency)
    if (free.length === 0) return null
    const mayTake = await lookAtControlTasks(free.length)
    // One of the first is mostly the one; the videos of more of those behind them are read at once.
    for (
      let at = 0, some = FIRST_ASKED;
      at < free.length;
      at += some, some = Math.min(VIDEOS_ASKED_AT_ONCE, 8 * some)
    ) {
      const tasks = free.slice(at, at + some)
      const videos = await ledger.videos({ ids: tasks.map(({ video_id }) => video_id) })
      for (const task of tasks) {
        const video = videos.find(({ _id }) => _id === task.video_id) ?? null
        // Another slot may have let one wait meanwhile.
        if (isCrowdedOut(task, waiting)) continue
        if (!(await mayTake(task, video, now))) {
          if (!hasChanged(task.video_id)) refuse(task, open.length)
          continue
        }
        const got = await claimWithToken(async (token) => {
          const [held] = heldBy(await ledger.claimTask({ worker: self, token, task: task._id, from: 'free' }))
          return held ? [held] : null
        })
        // Another peer claimed it, or it has changed.
        forget([task.video_id])
        if (got) return got
      }
    }
    return null
  }

  return { claim: oneByOne((kinds) => changes.during((hasChanged) => claimOne(kinds, hasChanged))), forget }
}

/** What changes while claims are under way. */
function createChanges() {
  /** Of each of them; null: videos that nobody named. */
  const open = new Set<Set<VideoId | null>>()
  return {
    note(videos: ReadonlySet<VideoId> | null): void {
      for (const changed of open) for (const video of videos ?? [null]) changed.add(video)
    },
    async during<Result>(use: (hasChanged: (video: VideoId) => boolean) => Promise<Result>): Promise<Result> {
      const changed = new Set<VideoId | null>()
      open.add(changed)
      try {
        return await use((video) => changed.has(video) || changed.has(null))
      } finally {
        open.delete(changed)
      }
    },
  }
}

/** Claims of slots of the same kinds, one after the other: what one has refused the next need not look at. */
function oneByOne(claim: ControlClaims['claim']): ControlClaims['claim'] {
  const last = new Map<string, Promise<unknown>>()
  return (kinds) => {
    const slots = kinds.join()
    const claimed = (last.get(slots) ?? Promise.resolve()).then(() => claim(kinds))
    last.set(
      slots,
      claimed.catch(() => {}),
    )
    return claimed
  }
}
