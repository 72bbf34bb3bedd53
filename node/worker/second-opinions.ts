/**
 * Films one of whose tasks has failed, at whatever peer, as hints say. Another peer tries that task first, for the second opinion that
 * decides whether the film fails, and leaves the film's other tasks behind those of all other films meanwhile: no chunks are encoded of a film
 * whose sound cannot be.
 *
 *   free ── a task failed ──► waiting ── that task succeeds, the film changes its state, or `WAITS_MS` are over ──► free
 *
 * An order of claims and nothing else: with hints lost or false the same tasks run, in another order.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, TaskId, VideoId } from '../../protocol/ids.ts'

/** Most time that a film waits after a failure: the other peers may be in the middle of a long encode. */
const WAITS_MS = 60_000
/** Films that are remembered; beyond it the oldest are dropped. */
const FILMS_MAX = 1_000

/** The films that wait. */
export interface SecondOpinions {
  /** Handles hints from now on. Idempotent. */
  start(): void
  /** Idempotent. */
  stop(): void
  /** Films whose tasks are claimed after those of all others. */
  films(): VideoId[]
  /** A task that another peer failed at and this one has not been asked about yet; null: there is none. */
  takeTask(): TaskId | null
}

interface Waiting {
  /** The task that failed. */
  readonly task: TaskId
  /** Whether this peer may still try it first. */
  isUntried: boolean
  /** Monotonic ms. */
  readonly until: number
}

/** Makes them, without films. `hints`: `tasks` with the peer that failed, `decided` and `video`. */
export function createSecondOpinions(
  { self }: { readonly self: PeerId },
  { hints, clock }: { readonly hints: Pick<Hints, 'on'>; readonly clock: Clock },
): SecondOpinions {
  const waiting = new Map<VideoId, Waiting>()
  let subscriptions: (() => void)[] = []

  function failed(film: VideoId, task: TaskId, peer: PeerId): void {
    const now = clock.mono()
    const before = waiting.get(film)
    const isUntried = peer !== self
    waiting.delete(film)
    // Several renditions of a chunk fail together: one of them is enough.
    waiting.set(film, { ...(before?.isUntried ? before : { task, isUntried }), until: now + WAITS_MS })
    for (const [each, { until }] of waiting) {
      if (until > now && waiting.size <= FILMS_MAX) break
      waiting.delete(each)
    }
  }

  return {
    start() {
      if (subscriptions.length > 0) return
      subscriptions = [
        hints.on(['tasks'], ({ video, task, peer }) => video && task && peer && failed(video, task, peer)),
        hints.on(['decided'], ({ video, task }) => {
          if (video && waiting.get(video)?.task === task) waiting.delete(video)
        }),
        hints.on(['video'], ({ video }) => video && waiting.delete(video)),
      ]
    },
    stop() {
      for (const unsubscribe of subscriptions) unsubscribe()
      subscriptions = []
    },
    films() {
      const now = clock.mono()
      return [...waiting].filter(([, { until }]) => until > now).map(([film]) => film)
    },
    takeTask() {
      const found = [...waiting.values()].find(({ isUntried, until }) => isUntried && until > clock.mono())
      if (!found) return null
      found.isUntried = false
      return found.task
    },
  }
}
