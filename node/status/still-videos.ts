/**
 * The videos that stand still, and why: gathers the facts for `stillness.ts`. A video counts as still after `STILL_MS` without progress, or after
 * `CLEAR_MS` where a peer is missing. The tasks of a few videos are read, and each answer is kept for a moment, as snapshots come often.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Counts, Ledger } from '../../protocol/ledger.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'
import type { Task } from '../../protocol/task.ts'
import { isAwaitingDelivery, isOpen, type Video } from '../../protocol/video.ts'
import type { ProgressWatch } from './progress-watch.ts'
import { sharedProblems, sharingOf } from './shared-problems.ts'
import type { PeerFacts, StillFacts, Stillness } from './still-words.ts'
import { stillnessOf } from './stillness.ts'

/** Time without progress after which a video counts as still, and where a peer is missing that is known at once. */
export const STILL_MS = 10_000
const CLEAR_MS = 3_000
const CLEAR: ReadonlySet<Stillness['code']> = new Set([
  'source_absent',
  'input_absent',
  'result_absent',
  'no_capable_peer',
  'no_peer_takes_work',
  'delivery_absent',
])
/** How long a reason is kept. */
const AGAIN_MS = 2_000
/** Videos of which tasks are read in one snapshot, the first ones in the order of claims; the others wait behind them. */
const READ_AT_ONCE = 16
/** They take turns: the first answer for a video counts as older by a share of `AGAIN_MS`, so that few are read again in one snapshot. */
const ageAtFirst = (at: number): number => (AGAIN_MS * (at % READ_AT_ONCE)) / READ_AT_ONCE
/** Tasks that are read of each. */
const TASKS_READ = 200

/** A peer with its last heartbeat. */
export interface HeardBeat {
  readonly peer: PeerId
  readonly beat: Heartbeat
  readonly heard_s: number
}

/** The parts that the reasons are made from. */
export interface StillVideosOptions {
  readonly ledger: Pick<Ledger, 'tasks' | 'now' | 'lease'>
  readonly clock: Clock
  readonly watch: ProgressWatch
  /** All peers of a snapshot, this one and silent ones included. */
  beats(): readonly HeardBeat[]
  /** Peers from which blobs can be had now, this one included. */
  reachable(): readonly PeerId[]
}

/** Makes the function: why each of these videos makes no progress. It rejects with `LedgerUnavailable`. */
export function createStillVideos(options: StillVideosOptions) {
  const { clock, watch, ledger, beats } = options
  const known = new Map<VideoId, { readonly at: number; readonly why: Stillness; readonly missingAt: number }>()

  /** `at`: its place among those that are still. */
  async function whyOf(video: Video, at: number, facts: Omit<VideoFacts, 'freeMs' | 'isRead'>): Promise<Stillness> {
    const last = known.get(video._id)
    if (last && clock.mono() - last.at < AGAIN_MS) return last.why
    const missingAt = last?.missingAt ?? Number.NEGATIVE_INFINITY
    const isRead = at < READ_AT_ONCE
    const why = stillnessOf(await factsOf(video, { ...facts, isRead, freeMs: clock.mono() - missingAt }, options))
    const isFree = why.code === 'unknown' || why.code === 'next_step'
    known.set(video._id, {
      at: clock.mono() - (last ? 0 : ageAtFirst(at)),
      why,
      missingAt: isFree ? missingAt : clock.mono(),
    })
    return why
  }

  return async (
    videos: readonly Video[],
    progress: ReadonlyMap<VideoId, Counts>,
    problemOf: (video: Video) => string | undefined,
  ): Promise<ReadonlyMap<VideoId, StillRow>> => {
    for (const { peer, beat } of beats()) watch.sawRunning(peer, beat.running)
    for (const { _id, status } of videos) watch.sawCounts(_id, status, countOf(progress.get(_id) ?? []))
    const pending = videos.filter(
      ({ status, deliveries }) => isOpen(status) || isAwaitingDelivery({ status, deliveries }),
    )
    if (pending.length === 0) return new Map()
    const ids = new Set(pending.map(({ _id }) => _id))
    for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    const [now, { holder, remaining_ms }] = await Promise.all([ledger.now(), ledger.lease()])
    // The clock of the ledger may have been set back since the video was created.
    const ageMs = ({ _id, created_at }: Video) => Math.max(now - created_at, watch.knownMs(_id))
    const stillMs = (video: Video) => Math.min(watch.stillMs(video._id), ageMs(video))
    const still = pending.filter((video) => stillMs(video) >= CLEAR_MS).sort(byClaims)
    if (still.length === 0) return new Map()
    const leader = remaining_ms > 0 ? holder : null
    const first = pending.filter(({ status }) => isOpen(status)).sort(byClaims)
    const ahead = new Map(first.map(({ _id }, at) => [_id, at]))
    const mesh = meshFacts(options)
    const found = new Map<VideoId, StillRow>()
    await Promise.all(
      still.map(async (video, at) => {
        const ms = stillMs(video)
        const facts = { ...mesh, ahead: ahead.get(video._id) ?? -1, now, stillMs: ms, leader }
        const why = await whyOf(video, at, { ...facts, problem: problemOf(video) })
        if (ms >= STILL_MS || CLEAR.has(why.code)) found.set(video._id, { ...why, since: now - ms })
      }),
    )
    return found
  }
}

/** The order of claims. */
const byClaims = (a: Video, b: Video): number => b.priority - a.priority || a.due - b.due || (a._id < b._id ? -1 : 1)

const countOf = (counts: Counts): number =>
  counts.reduce((sum, { count, status }) => sum + (status === 'COMPLETED' ? 2 : 1) * count, 0)

type MeshFacts = ReturnType<typeof meshFacts>
type VideoFacts = MeshFacts &
  Pick<StillFacts, 'now' | 'stillMs' | 'freeMs' | 'leader' | 'ahead' | 'problem'> & { readonly isRead: boolean }

/** What is the same for all videos of a snapshot. */
function meshFacts({ beats, reachable }: StillVideosOptions) {
  const heard = beats()
  const present = reachable()
  return {
    reachable: present,
    peers: heard.map((each) => peerFacts(each, present)),
    sharedProblems: sharedProblems(heard.filter(({ peer }) => present.includes(peer)).map(sharingOf)),
    waiting: new Set(heard.flatMap(({ beat }) => beat.running.filter(isWaiting).map(({ task }) => task))),
  }
}

async function factsOf(
  video: Video,
  { isRead, ...facts }: VideoFacts,
  { ledger }: Pick<StillVideosOptions, 'ledger'>,
): Promise<StillFacts> {
  if (!isRead) return { ...facts, video, open: null, unaudited: [], withoutOutput: [] }
  const [open, waiting, lost] = await Promise.all([
    openTasks(video, ledger),
    unaudited(video, ledger),
    withoutOutput(video, facts.reachable, ledger),
  ])
  return { ...facts, video, open, unaudited: waiting, withoutOutput: lost }
}

const isWaiting = ({ waits }: RunningAttempt): boolean => waits === true

function peerFacts({ peer, beat, heard_s }: HeardBeat, present: readonly PeerId[]): PeerFacts {
  const isPresent = present.includes(peer) && beat.state !== 'leaving'
  return { ...beat, peer, heard_s, isPresent, shared: (beat.shared ?? []).map(({ id }) => id) }
}

async function openTasks({ _id: video, status }: Video, ledger: Pick<Ledger, 'tasks'>): Promise<Task[]> {
  if (!isOpen(status)) return []
  const open = await ledger.tasks({ video, statuses: ['PENDING', 'PROCESSING'], limit: TASKS_READ })
  if (status !== 'MERGING') return open
  const makers = kindsWhere(({ outputs }) => outputs === 'results')
  return [...open, ...(await ledger.tasks({ video, kinds: makers, statuses: ['COMPLETED'] }))]
}

/** COMPLETED tasks that wait for an audit. Where one is PENDING or runs, it is among the open tasks. */
async function unaudited({ _id: video, status }: Video, ledger: Pick<Ledger, 'tasks'>): Promise<Task[]> {
  if (status !== 'RUNNING' && status !== 'MERGING') return []
  const kinds = kindsWhere(({ audited }) => audited)
  return await ledger.tasks({ video, kinds, statuses: ['COMPLETED'], audits: ['chosen'] })
}

/** COMPLETED tasks of a video that is MERGING whose output no reachable peer holds. */
async function withoutOutput(
  { _id: video, status }: Video,
  present: readonly PeerId[],
  ledger: Pick<Ledger, 'tasks'>,
): Promise<Task[]> {
  if (status !== 'MERGING') return []
  const kinds = kindsWhere(({ countsAsEncode }) => countsAsEncode)
  const done = await ledger.tasks({ video, kinds, statuses: ['COMPLETED'] })
  return done.filter(({ output }) => output !== null && !output.holders.some((peer) => present.includes(peer)))
}
