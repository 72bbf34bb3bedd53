/**
 * The videos that stand still, and why: gathers the facts for `stillness.ts`. A video counts as still after `STILL_MS` without progress, or after
 * `CLEAR_MS` where a peer is missing. The tasks of a few videos are read (`still-work.ts`), and each answer is kept for a moment, as snapshots come
 * often.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Counts, Ledger } from '../../protocol/ledger.ts'
import { looksMs } from '../../protocol/pace.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'
import { isAwaitingDelivery, isOpen, type Video } from '../../protocol/video.ts'
import type { ProgressWatch } from './progress-watch.ts'
import { sharedProblems, sharingOf } from './shared-problems.ts'
import type { PeerFacts, StillFacts, Stillness } from './still-words.ts'
import { createStillWork, type StillWork } from './still-work.ts'
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
/** They take turns: the first answer for a video counts as older by a share of `AGAIN_MS`, so that few are made again in one snapshot. */
const ageAtFirst = (at: number): number => (AGAIN_MS * (at % READ_AT_ONCE)) / READ_AT_ONCE

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
  readonly self: PeerId
  /** Whether this peer leads now: it need not ask who does. */
  leads(): boolean
  /** All peers of a snapshot, this one and silent ones included. */
  beats(): readonly HeardBeat[]
  /** Peers from which blobs can be had now, this one included. */
  reachable(): readonly PeerId[]
}

/** The reasons of those that are still, the first ones first. Those that were made a moment ago are answered as they are. */
type Reasons = (
  still: readonly Video[],
  progress: ReadonlyMap<VideoId, Counts>,
  factsOf: (video: Video) => Omit<VideoFacts, 'work'>,
) => Promise<ReadonlyMap<VideoId, Stillness>>

interface KnownReason {
  /** When it was made, monotonic ms. */
  readonly at: number
  readonly why: Stillness
  /** When something was last seen missing. */
  readonly missingAt: number
}

/** Makes them; `keepOnly` forgets all other videos. */
function createReasons(options: StillVideosOptions): {
  readonly reasonsOf: Reasons
  keepOnly(videos: ReadonlySet<VideoId>): void
} {
  const { clock } = options
  const known = new Map<VideoId, KnownReason>()

  const workOf = createStillWork(options)

  /** `at`: its place among those that are still. */
  function whyOf(video: Video, at: number, { work, ...facts }: VideoFacts): Stillness {
    const last = known.get(video._id)
    const missingAt = last?.missingAt ?? Number.NEGATIVE_INFINITY
    const why = stillnessOf({ ...facts, ...(work ?? UNREAD), video, freeMs: clock.mono() - missingAt })
    const isFree = why.code === 'unknown' || why.code === 'next_step'
    known.set(video._id, {
      at: clock.mono() - (last ? 0 : ageAtFirst(at)),
      why,
      missingAt: isFree ? missingAt : clock.mono(),
    })
    return why
  }

  const reasonsOf: Reasons = async (still, progress, factsOf) => {
    const isNew = ({ at }: { readonly at: number }) => clock.mono() - at < AGAIN_MS
    const answers = new Map<VideoId, Stillness>()
    for (const { _id } of still) {
      const last = known.get(_id)
      if (last && isNew(last)) answers.set(_id, last.why)
    }
    const due = new Set(still.filter(({ _id }) => !answers.has(_id)))
    const first = still.slice(0, READ_AT_ONCE)
    const works = first.some((video) => due.has(video)) ? await workOf({ videos: first, progress }) : NO_WORK
    const unknown: Video[] = []
    for (const [at, video] of still.entries()) {
      if (!due.has(video)) continue
      const work = works.get(video._id) ?? null
      const why = whyOf(video, at, { ...factsOf(video), work })
      answers.set(video._id, why)
      if (why.code === 'unknown' && work && !work.isNew) unknown.push(video)
    }
    // What the kept tasks do not explain those of now may.
    const now = unknown.length > 0 ? await workOf({ videos: unknown, progress, anew: true }) : NO_WORK
    for (const video of unknown)
      answers.set(video._id, whyOf(video, 0, { ...factsOf(video), work: now.get(video._id) ?? null }))
    return answers
  }

  return {
    reasonsOf,
    keepOnly(videos) {
      for (const id of known.keys()) if (!videos.has(id)) known.delete(id)
    },
  }
}

/** Makes the function: why each of these videos makes no progress. It rejects with `LedgerUnavailable`. */
export function createStillVideos(options: StillVideosOptions) {
  const { self, watch, ledger, beats, leads } = options
  const { reasonsOf, keepOnly } = createReasons(options)

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
    keepOnly(new Set(pending.map(({ _id }) => _id)))
    const [now, leader] = await Promise.all([ledger.now(), leads() ? self : holderOf(ledger)])
    // The clock of the ledger may have been set back since the video was created.
    const ageMs = ({ _id, created_at }: Video) => Math.max(now - created_at, watch.knownMs(_id))
    const stillMs = (video: Video) => Math.min(watch.stillMs(video._id), ageMs(video))
    const still = pending.filter((video) => stillMs(video) >= CLEAR_MS).sort(byClaims)
    if (still.length === 0) return new Map()
    const first = pending.filter(({ status }) => isOpen(status)).sort(byClaims)
    const ahead = new Map(first.map(({ _id }, at) => [_id, at]))
    const mesh = { ...meshFacts(options), looksMs: looksMs(first.length) }
    const why = await reasonsOf(still, progress, (video) => {
      const of = { now, leader, stillMs: stillMs(video), ahead: ahead.get(video._id) ?? -1, problem: problemOf(video) }
      return { ...mesh, ...of }
    })
    const found = new Map<VideoId, StillRow>()
    for (const video of still) {
      const [ms, reason] = [stillMs(video), why.get(video._id)!]
      if (ms >= STILL_MS || CLEAR.has(reason.code)) found.set(video._id, { ...reason, since: now - ms })
    }
    return found
  }
}

/** The order of claims. */
const byClaims = (a: Video, b: Video): number => b.priority - a.priority || a.due - b.due || (a._id < b._id ? -1 : 1)

const countOf = (counts: Counts): number =>
  counts.reduce((sum, { count, status }) => sum + (status === 'COMPLETED' ? 2 : 1) * count, 0)

async function holderOf(ledger: Pick<Ledger, 'lease'>): Promise<PeerId | null> {
  const { holder, remaining_ms } = await ledger.lease()
  return remaining_ms > 0 ? holder : null
}

const UNREAD = { open: null, unaudited: [], withoutOutput: [] } as const
const NO_WORK: ReadonlyMap<VideoId, StillWork> = new Map()

type VideoFacts = ReturnType<typeof meshFacts> &
  Pick<StillFacts, 'now' | 'stillMs' | 'leader' | 'ahead' | 'problem' | 'looksMs'> & { readonly work: StillWork | null }

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

const isWaiting = ({ waits }: RunningAttempt): boolean => waits === true

function peerFacts({ peer, beat, heard_s }: HeardBeat, present: readonly PeerId[]): PeerFacts {
  const isPresent = present.includes(peer) && beat.state !== 'leaving'
  return { ...beat, peer, heard_s, isPresent, shared: (beat.shared ?? []).map(({ id }) => id) }
}
