/**
 * The tasks of videos that stand still, which reasons are made from (`still-videos.ts`). Films with few open tasks are read together. What was read is
 * kept while the counts of the video stay the same, for a moment only: most videos that stand still do so for long, and snapshots come often.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Counts, Ledger } from '../../protocol/ledger.ts'
import type { Task } from '../../protocol/task.ts'
import { isOpen, type Video } from '../../protocol/video.ts'
import type { StillFacts } from './still-words.ts'

/** How long tasks are kept, and those of a video that is MERGING: what it waits for, the holders of its outputs, is in no count. */
const KEPT_MS = { most: 10_000, merging: 2_000 } as const
/** Open tasks of a film up to which it is read together with others. */
const FEW_TASKS = 25
/** Tasks that are read of each of the others. */
const TASKS_READ = 200

/** What is read of a video. */
export type StillWork = Pick<StillFacts, 'unaudited' | 'withoutOutput'> & {
  readonly open: readonly Task[]
  /** Whether this call has read it. */
  readonly isNew: boolean
}

/** The parts that are used. */
export interface StillWorkOptions {
  readonly ledger: Pick<Ledger, 'tasks'>
  readonly clock: Pick<Clock, 'mono'>
  /** Peers from which blobs can be had now, this one included. */
  reachable(): readonly PeerId[]
}

/** What is asked about: the first videos that stand still, `VIDEOS_ASKED_AT_ONCE` at most, and their counts. */
export interface StillWorkAsk {
  readonly videos: readonly Video[]
  readonly progress: ReadonlyMap<VideoId, Counts>
  /** Reads them all, however lately they were read. */
  readonly anew?: boolean
}

interface Kept {
  /** When it counts as read, monotonic ms. */
  readonly at: number
  readonly counts: string
  readonly work: Omit<StillWork, 'isNew'>
}

/** Makes the function that answers the tasks of these videos. It rejects with `LedgerUnavailable`. */
export function createStillWork(
  options: StillWorkOptions,
): (ask: StillWorkAsk) => Promise<ReadonlyMap<VideoId, StillWork>> {
  const { clock } = options
  let kept = new Map<VideoId, Kept>()

  return async ({ videos, progress, anew = false }) => {
    const [now, last] = [clock.mono(), kept]
    const countsOf = ({ _id }: Video) => textOf(progress.get(_id) ?? [])
    const isDue = (video: Video) => {
      const before = last.get(video._id)
      const keptMs = video.status === 'MERGING' ? KEPT_MS.merging : KEPT_MS.most
      return anew || !before || before.counts !== countsOf(video) || now - before.at >= keptMs
    }
    const small = videos.filter(({ _id }) => openOf(progress.get(_id) ?? []) <= FEW_TASKS)
    const together = small.some(isDue) ? small : []
    const alone = videos.filter((video) => !small.includes(video) && isDue(video))
    const read = new Map([
      ...(await readTogether(together, options)),
      ...(await Promise.all(
        alone.map(async (video) => [video._id, (await readTogether([video], options)).get(video._id)!] as const),
      )),
    ])
    // Of several that were first read at once each counts as older by another share, so that they take turns from then on.
    const ageMs = (video: Video) => (KEPT_MS.most * Math.max(0, alone.indexOf(video))) / Math.max(1, alone.length)
    const next = new Map([...kept].filter(([, { at }]) => now - at < KEPT_MS.most))
    for (const video of videos) {
      const [work, before] = [read.get(video._id), last.get(video._id)]
      const fresh = work && { at: now - (before ? 0 : ageMs(video)), counts: countsOf(video), work }
      const known = fresh ?? before
      if (known) next.set(video._id, known)
    }
    kept = next
    return new Map(
      videos.flatMap(({ _id }) => {
        const work = next.get(_id)?.work
        return work ? [[_id, { ...work, isNew: read.has(_id) }] as const] : []
      }),
    )
  }
}

/** The same for the same counts: a ledger answers them in any order. */
const textOf = (counts: Counts): string =>
  counts
    .map(({ kind, resolution, status, count }) => `${kind} ${resolution} ${status} ${count}`)
    .sort()
    .join()

const openOf = (counts: Counts): number =>
  counts.reduce((sum, { status, count }) => sum + (status === 'PENDING' || status === 'PROCESSING' ? count : 0), 0)

/** Reads one, its first tasks by rank, or several with few tasks. */
async function readTogether(
  videos: readonly Video[],
  { ledger, reachable }: StillWorkOptions,
): Promise<Map<VideoId, Omit<StillWork, 'isNew'>>> {
  const ask = async (of: readonly Video[], query: Omit<Parameters<Ledger['tasks']>[0], 'video' | 'videos'>) => {
    const [only, ...more] = of.map(({ _id }) => _id)
    if (only === undefined) return []
    return await ledger.tasks({ ...query, ...(more.length === 0 ? { video: only } : { videos: [only, ...more] }) })
  }
  const merging = videos.filter(({ status }) => status === 'MERGING')
  const begun = videos.filter(({ status }) => status === 'RUNNING' || status === 'MERGING')
  const encodes = kindsWhere(({ countsAsEncode }) => countsAsEncode)
  const limit = videos.length === 1 ? { limit: TASKS_READ } : {}
  const [open, merged, unaudited, encoded] = await Promise.all([
    ask(
      videos.filter(({ status }) => isOpen(status)),
      { statuses: ['PENDING', 'PROCESSING'], ...limit },
    ),
    ask(merging, { kinds: kindsWhere(({ outputs }) => outputs === 'results'), statuses: ['COMPLETED'] }),
    ask(begun, { kinds: kindsWhere(({ audited }) => audited), statuses: ['COMPLETED'], audits: ['chosen'] }),
    ask(merging, { kinds: encodes, statuses: ['COMPLETED'] }),
  ])
  const present = reachable()
  const lost = encoded.filter(({ output }) => output && !output.holders.some((peer) => present.includes(peer)))
  const of = (tasks: readonly Task[], id: VideoId) =>
    tasks.filter(({ video_id }) => video_id === id).sort((a, b) => a.rank - b.rank || (a._id < b._id ? -1 : 1))
  return new Map(
    videos.map(({ _id }) => [
      _id,
      {
        open: [...of(open, _id), ...of(merged, _id)],
        unaudited: of(unaudited, _id),
        withoutOutput: of(lost, _id),
      },
    ]),
  )
}
