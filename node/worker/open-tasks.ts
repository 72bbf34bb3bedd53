/**
 * All open tasks of a kind, as those that other peers should take must not hide the others, read once for all slots. They are read again after each
 * change while they are few; of very many only those that changed, and all at times.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { KindName } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS } from '../../protocol/limits.ts'
import { createPace, FEW, type Pace } from '../../protocol/pace.ts'
import type { Task } from '../../protocol/task.ts'
import type { OutageGrace } from './outage-grace.ts'

/** The parts that are used. */
export interface OpenTasksOptions {
  readonly ledger: Pick<Ledger, 'tasks'>
  readonly clock: Clock
  readonly grace: OutageGrace
  /** The order of claims. */
  order(a: Task, b: Task): number
}

/** The open tasks of each kind. */
export interface OpenTasks {
  /** The open tasks of a kind, in the order of claims. Rejects with `LedgerUnavailable`. */
  of(kind: KindName): Promise<readonly Task[]>
  /** Drops what was read: something changed of these videos; null: of some that nobody named. */
  forget(videos: Iterable<VideoId> | null): void
}

/** The tasks of one kind as they were read last. */
interface Known {
  readonly open: Promise<readonly Task[]>
  readonly pace: Pace
  /** When all were read, monotonic ms. */
  readonly at: number
  isFew: boolean
  /** Videos of which something changed since. */
  readonly changed: Set<VideoId>
}

const OPEN = ['PENDING', 'PROCESSING'] as const

/** Makes it; nothing is read before the first question. */
export function createOpenTasks({ ledger, clock, grace, order }: OpenTasksOptions): OpenTasks {
  const looks = new Map<KindName, Known>()

  function readAll(kind: KindName): Known {
    const pace = createPace(clock, IDLE_POLL_MS / 2)
    pace.looked(0)
    const open = grace.watch(async () => (await ledger.tasks({ kinds: [kind], statuses: OPEN })).sort(order))
    const known: Known = { open, pace, at: clock.mono(), isFew: true, changed: new Set() }
    const count = ({ length }: readonly Task[]) => {
      known.isFew = length <= FEW
      pace.looked(length)
    }
    open.then(count, () => looks.delete(kind))
    return known
  }

  function readChanged(kind: KindName, { open, changed, ...last }: Known): Known {
    const read = async () => {
      const before = (await open).filter(({ video_id }) => !changed.has(video_id))
      const query = { kinds: [kind], statuses: OPEN }
      const now = await Promise.all([...changed].map((video) => ledger.tasks({ ...query, video })))
      return [...before, ...now.flat()].sort(order)
    }
    const known: Known = { ...last, open: grace.watch(read), changed: new Set() }
    known.open.catch(() => looks.delete(kind))
    return known
  }

  return {
    of(kind) {
      const last = looks.get(kind)
      const isCurrent = last && !last.pace.isDue() && last.changed.size <= FEW
      if (isCurrent && last.changed.size === 0) return last.open
      const known = isCurrent ? readChanged(kind, last) : readAll(kind)
      looks.set(kind, known)
      return known.open
    },
    forget(videos) {
      for (const [kind, { isFew, changed, at }] of looks)
        if (isFew || (videos === null && clock.mono() - at >= IDLE_POLL_MS)) looks.delete(kind)
        else for (const video of videos ?? []) changed.add(video)
    },
  }
}
