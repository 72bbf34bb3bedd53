/**
 * The open videos as the duties of a term look at them: all of them in every round while they are few. Where they are many a round looks at those
 * that changed, by hints and by the tasks that the ledger says were completed since, and at all of them at times: a hint may be lost.
 *
 * Promises: every open video is looked at when the term begins and at least every `LOOKS_MAX_MS`; one of which a task is completed, in the next round;
 * where a round fails, what it should have looked at comes again.
 */
import type { Clock } from '../protocol/clock.ts'
import type { Hints } from '../protocol/hints.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { Counts, Ledger, Progress } from '../protocol/ledger.ts'
import { COMPLETED_LATE_MS, DUTY_MS, QUIET_DUTY_MS } from '../protocol/limits.ts'
import { createPace, FEW, type Pace } from '../protocol/pace.ts'
import { OPEN_STATUSES, type Video } from '../protocol/video.ts'

/** What one round looks at. */
export interface Look {
  /** The videos, by created_at. */
  readonly videos: readonly Video[]
  /** The counts of each. */
  readonly counts: Progress
  /** Whether these are all open videos. */
  readonly isAll: boolean
  /** Those that were asked for, where these are not all: one that is not there has ended. */
  readonly asked: readonly VideoId[]
}

/** The open videos as a duty knows them from its looks. */
export type KnownVideos = Map<VideoId, { readonly video: Video; readonly counts: Counts }>

/** Brings what a duty knows up to a look. */
export function takeLook(known: KnownVideos, { videos, counts, isAll, asked }: Look): void {
  if (isAll) known.clear()
  for (const id of asked) known.delete(id)
  for (const video of videos) known.set(video._id, { video, counts: counts.get(video._id) ?? [] })
}

/** The open videos as one duty sees them. */
export interface VideoReader {
  /** One round: `keep` are looked at in any case. Rejects with `LedgerUnavailable`, and as `act`. */
  look(keep: Iterable<VideoId>, act: (look: Look) => Promise<void>): Promise<void>
}

/** The open videos of a term. */
export interface OpenVideos {
  reader(): VideoReader
  /** Number of open videos when all were looked at last; 0 before. */
  count(): number
  /** Ends its subscription to hints. */
  stop(): void
}

/** The parts that it uses. */
export interface OpenVideosModules {
  readonly ledger: Pick<Ledger, 'videos' | 'progress' | 'completedSince' | 'now'>
  readonly clock: Pick<Clock, 'mono'>
  readonly hints: Pick<Hints, 'on'>
}

/** Makes it; nothing is read before the first look. */
export const createOpenVideos = (modules: OpenVideosModules): OpenVideos => new TermVideos(modules)

interface Reader {
  readonly pace: Pace
  readonly changed: Set<VideoId>
  /** What it looked at when it looked at all last. */
  seen: Promise<Look> | null
}

/** All open videos as they were read last: when that began (monotonic ms), and the number of hints until then. */
interface ReadAll {
  readonly at: number
  readonly hints: number
  readonly look: Promise<Look>
}

class TermVideos implements OpenVideos {
  readonly #modules: OpenVideosModules
  readonly #readers: Reader[] = []
  #count = 0
  #hints = 0
  #all: ReadAll | null = null
  /** Up to when completed tasks are known (ledger time, ms), and when that was asked (monotonic ms). */
  #known: { readonly until: number; readonly at: number } | null = null
  #asking: Promise<void> | null = null
  readonly stop: () => void

  constructor(modules: OpenVideosModules) {
    this.#modules = modules
    this.stop = modules.hints.on(['tasks', 'decided', 'video'], ({ video }) => {
      this.#hints++
      if (video !== null) this.#changed([video])
    })
  }

  count = (): number => this.#count

  reader(): VideoReader {
    const pace = createPace(this.#modules.clock, 2 * DUTY_MS, DUTY_MS)
    const reader: Reader = { pace, changed: new Set(), seen: null }
    this.#readers.push(reader)
    return { look: (keep, act) => this.#look(reader, keep, act) }
  }

  async #look(reader: Reader, keep: Iterable<VideoId>, act: (look: Look) => Promise<void>): Promise<void> {
    const shared = this.#sharedBy(reader)
    const isAll = this.#count <= FEW || shared !== null || reader.pace.isDue()
    if (!isAll) await this.#askCompleted()
    const ids = [...reader.changed, ...keep]
    // What another duty read is older than some changes.
    if (shared === null) reader.changed.clear()
    try {
      const look = isAll ? await this.#readAll(reader, shared) : await this.#read(ids)
      if (isAll) reader.pace.looked(look.videos.length)
      await act(look)
    } catch (error) {
      for (const id of ids) reader.changed.add(id)
      if (isAll) reader.pace.looked(0)
      throw error
    }
  }

  #readAll(reader: Reader, shared: ReadAll | null): Promise<Look> {
    if (shared === null) {
      const { clock } = this.#modules
      const read = { at: clock.mono(), hints: this.#hints, look: this.#read(null) }
      this.#all = read
      read.look.catch(() => {
        if (this.#all === read) this.#all = null
      })
    }
    reader.seen = this.#all!.look
    return reader.seen
  }

  /**
   * What another duty has read of all videos a moment ago, so that one read serves all: of few only where no hint came since, and not so late that
   * the reader may have changed something before. Of many it may be from the round before, where no hint came since. Null: nothing, or this reader
   * has looked at it.
   */
  #sharedBy(reader: Reader): ReadAll | null {
    if (this.#all === null || this.#all.look === reader.seen) return null
    const ageMs = this.#modules.clock.mono() - this.#all.at
    const isSame = this.#all.hints === this.#hints
    if (this.#count > FEW) return ageMs < (isSame ? QUIET_DUTY_MS + DUTY_MS : DUTY_MS) ? this.#all : null
    return ageMs < DUTY_MS / 2 && isSame ? this.#all : null
  }

  /** Reads these; null: all. */
  async #read(ids: readonly VideoId[] | null): Promise<Look> {
    const { ledger } = this.#modules
    const isAll = ids === null
    const asked = ids ?? []
    if (ids?.length === 0) return { videos: [], counts: new Map(), isAll, asked }
    const videos = await ledger.videos({ ...(ids && { ids: [...new Set(ids)] }), statuses: OPEN_STATUSES })
    if (isAll) this.#count = videos.length
    const counts = videos.length > 0 ? await ledger.progress(videos.map(({ _id }) => _id)) : new Map()
    return { videos, counts, isAll, asked }
  }

  /** Which videos have a task that was completed lately: one question for all that look at the same time. */
  async #askCompleted(): Promise<void> {
    if (this.#known && this.#modules.clock.mono() - this.#known.at < DUTY_MS / 2) return
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = null
    })
    await this.#asking
  }

  async #askOnce(): Promise<void> {
    const { ledger, clock } = this.#modules
    const [at, until] = [clock.mono(), await ledger.now()]
    const since = (this.#known?.until ?? until) - COMPLETED_LATE_MS
    this.#changed(await ledger.completedSince(since))
    this.#known = { until, at }
  }

  #changed(videos: readonly VideoId[]): void {
    for (const { changed } of this.#readers) for (const id of videos) changed.add(id)
  }
}
