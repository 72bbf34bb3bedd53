/**
 * All open tasks of some kinds, as those that other peers should take must not hide the others, read once for all slots. They are read again after
 * each change while they are few, those of all kinds at once; of very many only those that changed, and all at times.
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
  /** The open tasks of these kinds, those of each in the order of claims. Rejects with `LedgerUnavailable`. */
  of(kinds: readonly KindName[]): Promise<readonly Task[]>
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

  /** One read for all of these kinds. */
  function readAll(kinds: readonly KindName[]): void {
    const [at, read] = [clock.mono(), grace.watch(() => ledger.tasks({ kinds, statuses: OPEN }))]
    for (const kind of kinds) {
      const pace = createPace(clock, IDLE_POLL_MS, IDLE_POLL_MS / 2)
      pace.looked(0)
      const open = read.then((tasks) => tasks.filter((task) => task.kind === kind).sort(order))
      const known: Known = { open, pace, at, isFew: true, changed: new Set() }
      const count = ({ length }: readonly Task[]) => {
        known.isFew = length <= FEW
        pace.looked(length)
      }
      looks.set(kind, known)
      open.then(count, () => forgetRead(kind, open))
    }
  }

  function forgetRead(kind: KindName, open: Known['open']): void {
    if (looks.get(kind)?.open === open) looks.delete(kind)
  }

  function readChanged(kind: KindName, { open, changed, ...last }: Known): Known {
    const read = async () => {
      const before = (await open).filter(({ video_id }) => !changed.has(video_id))
      const query = { kinds: [kind], statuses: OPEN }
      const now = await Promise.all([...changed].map((video) => ledger.tasks({ ...query, video })))
      return [...before, ...now.flat()].sort(order)
    }
    const known: Known = { ...last, open: grace.watch(read), changed: new Set() }
    looks.set(kind, known)
    known.open.catch(() => forgetRead(kind, known.open))
    return known
  }

  const isCurrent = ({ pace, changed }: Known) => !pace.isDue() && changed.size <= FEW

  return {
    async of(kinds) {
      const due = kinds.filter((kind) => {
        const last = looks.get(kind)
        return last === undefined || !isCurrent(last)
      })
      // Few others are read along: they would be due a moment later.
      const along = [...looks.keys()].filter((kind) => looks.get(kind)?.isFew && !due.includes(kind))
      if (due.length > 0) readAll([...due, ...along])
      const all = kinds.map((kind) => {
        const last = looks.get(kind)!
        return last.changed.size === 0 ? last.open : readChanged(kind, last).open
      })
      return (await Promise.all(all)).flat()
    },
    forget(videos) {
      for (const [kind, { isFew, changed, at }] of looks)
        if (isFew || (videos === null && clock.mono() - at >= IDLE_POLL_MS)) looks.delete(kind)
        else for (const video of videos ?? []) changed.add(video)
    },
  }
}
