/**
 * Makes this peer a holder of sources that lie in shared folders: a file that is the same by size and time is hashed once, and referred to
 * where it lies. Any such peer then cuts the source, reads it straight, or serves it, and no copy goes over the mesh.
 *
 *   a source in a folder that is seen ── size, time and sha256 as recorded ──► held by reference
 *       ├─ the file is missing: looked for again in each round
 *       ├─ the file is another: hashed again once it changes
 *       └─ it was held and is gone, with its folder or alone: no holder any more, until it is back
 */
import type { BlobStore } from '../../protocol/blobs.ts'
import { type Clock, within } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HOLDERS_MAX, IDLE_POLL_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { createPace, type Pace } from '../../protocol/pace.ts'
import type { SharedFile, SharedFolders, SharedProblem, SharedSource } from '../../protocol/shared-folder.ts'
import { type OpenSource, readContent } from '../../protocol/source.ts'
import { isOpen, OPEN_STATUSES, type Video } from '../../protocol/video.ts'
import { holdContents, readSubtitles } from './subtitle-files.ts'

/** The parts that the search uses. */
export interface SharedSourcesOptions {
  readonly self: PeerId
  readonly ledger: Pick<
    Ledger,
    'video' | 'videos' | 'tasks' | 'addVideoHolder' | 'removeSourceHolder' | 'removeInputHolder'
  >
  readonly store: BlobStore
  readonly folders: SharedFolders
  readonly openSource: OpenSource
  readonly clock: Clock
  readonly log: Log
  readonly hints: Pick<Hints, 'publish'>
  /** Whether this peer may cut sources; one that only encodes takes those that are read straight. */
  readonly coordinates: boolean
  /** Whether a peer, or this one, is present. */
  isPresent(peer: PeerId): boolean
}

/** The sources in shared folders, as this peer sees them. */
export interface SharedSources {
  /** Looks at the sources of all open videos. Rejects with the signal's reason and `LedgerUnavailable`. */
  round(signal: AbortSignal): Promise<void>
  /** Whether this peer holds the source by its shared folder, after a look. Rejects with the signal's reason and `LedgerUnavailable`. */
  hold(video: Video, signal: AbortSignal): Promise<boolean>
  /** Holds the source before it is fetched, where this is the source of a video and lies in a shared folder here. Rejects with the signal's reason. */
  beforeFetch(video: VideoId, sha256: Sha256, signal: AbortSignal): Promise<void>
  /** Shared folders that are not seen, and sources that are not held though they should lie in one that is. */
  problems(): readonly SharedProblem[]
}

/** A video whose source was looked for in vain. `identity`: of the file that was another, null where it was missing. */
interface Trouble {
  readonly why: string
  readonly identity: string | null
  /** After an error of the file system: when it is read again, monotonic ms. */
  readonly notBefore: number
}

/** Interval of the question whether a video is still open while its source is hashed. */
const STILL_OPEN_MS = 5_000
/** Wait after a file that could not be read. */
const UNREADABLE_MS = 30_000
/** A file server that does not answer for so long is away; a file that changed may be read again for longer. */
const ANSWER_MS = 5_000

const SAME = 'mount the same folder there, or submit this file too'

/** Makes it, with nothing looked at. */
export const createSharedSources = (options: SharedSourcesOptions): SharedSources => new Sources(options)

class Sources implements SharedSources {
  readonly #options: SharedSourcesOptions
  readonly #troubles = new Map<VideoId, Trouble>()
  readonly #pace: Pace
  /** The open videos with a source in a shared folder, as of the last round. */
  #open: readonly Video[] = []
  /** Looks at sources, and questions for files, that have not ended: none is begun twice at a time. */
  readonly #holding = new Map<VideoId, Promise<boolean>>()
  readonly #asked = new Map<VideoId, Promise<string | null>>()

  constructor(options: SharedSourcesOptions) {
    this.#options = options
    this.#pace = createPace(options.clock, IDLE_POLL_MS, 0)
  }

  problems = (): readonly SharedProblem[] => [
    ...this.#options.folders
      .states()
      .flatMap(({ name, path, problem }) =>
        problem === null ? [] : { video: null, text: `${name} at ${path}: ${problem}` },
      ),
    ...[...this.#troubles].map(([video, { why }]) => ({ video, text: why })),
  ]

  round = async (signal: AbortSignal): Promise<void> => {
    const { self, ledger, folders } = this.#options
    await folders.look()
    if (folders.states().length === 0 || !this.#pace.isDue()) return
    const open = await ledger.videos({ statuses: OPEN_STATUSES })
    this.#pace.looked(open.length)
    const isSeen = ({ source: { shared } }: Video) => shared !== undefined && folders.pathOf(shared) !== null
    for (const id of this.#troubles.keys())
      if (!open.some((video) => video._id === id && isSeen(video))) this.#troubles.delete(id)
    // Small ones first: none waits for the hash of a long film.
    this.#open = open.filter(({ source }) => source.shared !== undefined)
    for (const video of this.#open.toSorted((a, b) => a.source.bytes - b.source.bytes)) {
      signal.throwIfAborted()
      if (video.source.holders.includes(self) || (await this.#isUseful(video))) await this.hold(video, signal)
    }
  }

  beforeFetch = async (id: VideoId, sha256: Sha256, signal: AbortSignal): Promise<void> => {
    const video = this.#open.find(({ _id }) => _id === id)
    // Where that fails it is fetched.
    if (video?.source.sha256 === sha256) await this.hold(video, signal).catch(() => signal.throwIfAborted())
  }

  hold = async (video: Video, signal: AbortSignal): Promise<boolean> => {
    const running = this.#holding.get(video._id)
    // The signal of another caller may end it.
    if (running) return await running.catch(() => false)
    const held = this.#holdOnce(video, signal).finally(() => this.#holding.delete(video._id))
    this.#holding.set(video._id, held)
    return await held
  }

  async #holdOnce(video: Video, signal: AbortSignal): Promise<boolean> {
    const { folders } = this.#options
    const { shared } = video.source
    if (shared === undefined) return false
    const isSeen = folders.pathOf(shared) !== null
    const isHere = await this.#isHere(video)
    // The folder answers: the file was touched, and is being read again.
    if (isHere === null && isSeen) return false
    if (isHere || (isSeen && (await this.#take(video, shared, signal)))) {
      this.#troubles.delete(video._id)
      await this.#addHolder(video)
      return true
    }
    await this.#removeHolder(video, isSeen)
    return false
  }

  /** Whether the bytes lie here, by reference or as a copy; null where that is not known in time. */
  async #isHere({ _id, source: { sha256 } }: Video): Promise<boolean | null> {
    const { store, clock } = this.#options
    const asked = this.#asked.get(_id) ?? store.find(sha256, _id).finally(() => this.#asked.delete(_id))
    this.#asked.set(_id, asked)
    const found = await within(clock, ANSWER_MS, asked)
    return found === 'late' ? null : found !== null
  }

  /**
   * The source is gone here: nobody counts on this peer for it. The last holder, where another file took its place, stays one: the next attempt ends
   * the video, and says so.
   */
  async #removeHolder({ _id, name, source: { sha256, holders } }: Video, isSeen: boolean): Promise<void> {
    const { self, ledger, store, hints, log } = this.#options
    if (!holders.includes(self)) return
    if (holders.length === 1 && isSeen && (await store.changedSource(sha256, _id)) !== null) return
    if ((await ledger.removeSourceHolder(_id, sha256, self)) !== 'changed') return
    for (const { _id: task, input } of await ledger.tasks({ video: _id, statuses: ['PENDING', 'PROCESSING'] }))
      if (input?.sha256 === sha256) await ledger.removeInputHolder(task, sha256, self)
    log.warn('a source in a shared folder is gone', { video: _id, name })
    hints.publish({ what: 'video', video: _id })
  }

  /** Documents name few holders: one more is added only where there is room, or one of them is absent. */
  async #addHolder({ _id, source: { sha256, holders } }: Video): Promise<void> {
    const { self, ledger, hints, isPresent } = this.#options
    if (holders.includes(self) || (holders.length >= HOLDERS_MAX && holders.every(isPresent))) return
    if ((await ledger.addVideoHolder(_id, sha256, self)) === 'changed') hints.publish({ what: 'video', video: _id })
  }

  /** Whether the source is at a place that this peer sees, and is of use to it. */
  async #isUseful({ _id, source }: Video): Promise<boolean> {
    const { folders, coordinates, ledger } = this.#options
    if (!source.shared || folders.pathOf(source.shared) === null) return false
    if (coordinates) return true
    const [first] = await ledger.tasks({ video: _id, kinds: ['video'], statuses: ['PENDING', 'PROCESSING'], limit: 1 })
    return first?.input?.sha256 === source.sha256
  }

  /** Refers to the file where it is the source. */
  async #take(video: Video, shared: SharedSource, signal: AbortSignal): Promise<boolean> {
    const { folders, clock, log } = this.#options
    const file = await folders.file(shared)
    const before = this.#troubles.get(video._id)
    if (before && before.identity === (file?.identity ?? null) && clock.mono() < before.notBefore) return false
    const trouble = (why: string, waitMs: number) => {
      if (before?.why !== why) log.warn('a source in a shared folder is not taken', { video: video._id, reason: why })
      this.#troubles.set(video._id, { why, identity: file?.identity ?? null, notBefore: clock.mono() + waitMs })
      return false
    }
    const name = `${this.#nameOf(shared)}/${shared.path}`
    if (file === null)
      return trouble(`${name} is missing, or is no regular file: put it back, or mount the same folder there`, 0)
    if (file.bytes !== video.source.bytes || file.mtime_ms !== shared.mtime_ms)
      return trouble(
        `${name} is another file: its size or time is not that of the source; ${SAME}`,
        Number.POSITIVE_INFINITY,
      )
    try {
      if (await this.#refer(video, shared, file, signal)) return true
      return trouble(
        `${name} is another file: its bytes are not those of the source; ${SAME}`,
        Number.POSITIVE_INFINITY,
      )
    } catch (error) {
      signal.throwIfAborted()
      return trouble(`${name} cannot be read: ${sentence(error)}`, UNREADABLE_MS)
    }
  }

  /** False where its bytes are others. Rejects where it cannot be read, changes meanwhile, or the video ends. */
  async #refer(video: Video, shared: SharedSource, file: SharedFile, signal: AbortSignal): Promise<boolean> {
    const { openSource, store, log } = this.#options
    const { _id, source } = video
    await this.#whileOpen(_id, signal, async (reading) => {
      // Subtitles first: who holds the source is asked for them.
      await this.#holdSubtitles(video, shared, reading)
    })
    const opened = openSource(file.path)
    return await this.#whileOpen(_id, signal, async (reading) => {
      const content = await readContent(opened, reading)
      if (content.sha256 !== source.sha256 || content.bytes !== source.bytes) return false
      await opened.hold(content, _id, store, reading)
      log.info('holds a source in a shared folder', { video: _id, path: file.path })
      return true
    })
  }

  async #holdSubtitles({ _id, recipe }: Video, { folder, subtitles = [] }: SharedSource, signal: AbortSignal) {
    const { folders, openSource, store } = this.#options
    for (const [at, wanted] of (recipe.subtitles ?? []).entries()) {
      const path = subtitles[at]
      if (path === undefined || (await store.find(wanted.sha256, _id)) !== null) continue
      const file = await folders.file({ folder, path })
      if (file === null || file.bytes !== wanted.bytes) continue
      const { language, forced, hearing_impaired } = wanted
      const read = await readSubtitles([{ path: file.path, language, forced, hearing_impaired }], openSource, signal)
      await holdContents(
        read.filter(({ file: { sha256 } }) => sha256 === wanted.sha256),
        _id,
        store,
      )
    }
  }

  /** Runs `act`, whose signal aborts once the video is no longer open. */
  async #whileOpen<T>(id: VideoId, signal: AbortSignal, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { ledger, clock } = this.#options
    const [closed, done] = [new AbortController(), new AbortController()]
    const watching = (async () => {
      while (!done.signal.aborted) {
        await clock.sleep(STILL_OPEN_MS, done.signal)
        const video = await ledger.video(id)
        if (video === null || !isOpen(video.status)) closed.abort(new DOMException('the video has ended', 'AbortError'))
      }
    })().catch(() => {})
    try {
      return await act(AbortSignal.any([signal, closed.signal]))
    } finally {
      done.abort()
      await watching
    }
  }

  #nameOf({ folder }: SharedSource): string {
    return this.#options.folders.seen().find(({ id }) => id === folder)?.name ?? folder
  }
}
