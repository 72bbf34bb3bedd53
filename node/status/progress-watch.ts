/**
 * When each video last made progress, as this peer sees it: an attempt at one of its tasks advanced, in a heartbeat of any peer, or what the
 * ledger counts of it changed. Kept in memory for the videos that were seen last.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { type PeerId, type VideoId, videoOf } from '../../protocol/ids.ts'
import { FEW, LOOKS_MAX_MS } from '../../protocol/pace.ts'
import type { VideoStatus } from '../../protocol/video.ts'

/** Videos that are remembered. */
const VIDEOS_MAX = 2_000

/** Longest time between two looks that follow each other: with few videos, and with many (`Pace`). */
const LOOKS_MS = { few: 5_000, many: LOOKS_MAX_MS + 5_000 } as const

/** What was counted of a video, when first and when last, by the monotonic clock, ms. */
interface Counted {
  readonly status: VideoStatus
  readonly count: number
  readonly since: number
  readonly at: number
}

/** The progress of videos. */
export interface ProgressWatch {
  /** Takes the attempts that a peer runs now. */
  sawRunning(peer: PeerId, running: readonly RunningAttempt[]): void
  /**
   * Takes the state of a video in the ledger. Another status is progress, and a higher `count` of tasks, those that are COMPLETED counted twice.
   * Where the last look was long ago the progress counts from that look on: attempts that advanced since were heard of.
   */
  sawCounts(video: VideoId, status: VideoStatus, count: number): void
  /** Ms since the last progress that was seen, or since this watch began. */
  stillMs(video: VideoId): number
  /** Ms since the counts of the video were first taken; 0 before. */
  knownMs(video: VideoId): number
}

/** Makes a watch that has seen nothing. */
export function createProgressWatch(clock: Pick<Clock, 'mono'>): ProgressWatch {
  const began = clock.mono()
  const attempts = new Map<PeerId, ReadonlyMap<string, number>>()
  const counted = new Map<VideoId, Counted>()
  const progressed = new Map<VideoId, number>()
  const advanced = (video: VideoId, at: number) => {
    const before = progressed.get(video) ?? began
    progressed.delete(video)
    progressed.set(video, Math.max(before, at))
    dropOldest(progressed)
  }
  return {
    sawRunning(peer, running) {
      const before = attempts.get(peer)
      const now = new Map(running.map(({ task, attempt, done }) => [`${task} ${attempt}`, done]))
      for (const { task, attempt, done } of running)
        if (done > (before?.get(`${task} ${attempt}`) ?? 0)) advanced(videoOf(task), clock.mono())
      if (now.size > 0) attempts.set(peer, now)
      else attempts.delete(peer)
    },
    sawCounts(video, status, count) {
      const before = counted.get(video)
      const isNew = before !== undefined && (before.status !== status || count > before.count)
      const now = clock.mono()
      if (isNew) advanced(video, now - before.at < LOOKS_MS[counted.size > FEW ? 'many' : 'few'] ? now : before.at)
      counted.delete(video)
      const most = before?.status === status ? Math.max(before.count, count) : count
      counted.set(video, { status, count: most, since: before?.since ?? now, at: now })
      dropOldest(counted)
    },
    stillMs: (video) => clock.mono() - (progressed.get(video) ?? began),
    knownMs: (video) => clock.mono() - (counted.get(video)?.since ?? clock.mono()),
  }
}

function dropOldest(map: Map<VideoId, unknown>): void {
  const [oldest] = map.keys()
  if (map.size > VIDEOS_MAX && oldest !== undefined) map.delete(oldest)
}
