/**
 * A watched folder: every video file in it is submitted, and its results are delivered to the output folder, below the same sub-folder.
 *
 * Promises: a file is submitted once its size and mtime have settled; files with the same bytes are one video, delivered under each name;
 * submitted files are remembered across restarts while they lie there; files are never changed. Hidden and partial files (`.x`, `x.part`,
 * `x.tmp`) are ignored, and so are the subtitles, covers and texts that belong to a film.
 *
 *   seen ── the same for 4 s ──► submitted ──► remembered ── the ingest refuses it ──► in `rejected/`, with a text
 *                                    │             └─ it was changed meanwhile ──► submitted
 *                                    └─ refused ── the same for 30 s ──► submitted ── refused ──► in `rejected/`, with a text
 *   A file that is put back is submitted again. A file that changes starts at the beginning: a copy that pauses is never moved while it is
 *   written.
 */

import { mkdir } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import type { SubmitKey } from '../../protocol/api.ts'
import type { Clock } from '../../protocol/clock.ts'
import { type FailureCode, SourceRefused, SourceUnsettled, sentence } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { INPUT_OUTCOME_MS, SUBTITLE_BYTES_MAX, SUBTITLE_FILES_MAX } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'
import { bytesOf, contentOf, moveToRejected, printOf, type UnfollowedLink } from './input-folder-files.ts'
import { lookAtFile } from './input-folder-look.ts'
import { createSettling, type Settling } from './input-folder-settling.ts'
import { readSubtitleName, splitSidecars } from './input-folder-sidecars.ts'
import type { TakenFiles } from './input-folder-state.ts'
import { mp4BytesMissingFrom } from './mp4-end.ts'
import type { SubmitRequest, Submitted } from './submit.ts'

/** The folders, and the parts that the watch uses. */
export interface InputFolderOptions {
  /** Absolute paths. */
  readonly input: string
  readonly output: string
  /** What has settled. One that outlives this watch lets the next begin where it ended. */
  readonly settling?: Settling
  /** Opens the record of the submitted files; called once, in the first round. */
  openTaken(): Promise<TakenFiles>
  readonly recipe: Recipe
  /** Encrypts the packages. Absent: nothing does. */
  readonly key?: SubmitKey | undefined
  /** Endpoints of the webhooks of its videos. */
  readonly webhooks?: readonly string[]
  /** When a file that is taken in `now` is wanted; both are ms since 1970. Absent, or null: at no time. */
  deadlineAt?(now: number): number | null
  readonly clock: Clock
  readonly log: Log
  submit(request: SubmitRequest): Promise<Submitted>
  readonly ledger: Pick<Ledger, 'video' | 'videos' | 'tasks'>
}

/** The watch of one folder. */
export interface InputFolder {
  /** Reads the folder once. Rejects only when aborted or where the folder cannot be read. */
  round(signal: AbortSignal): Promise<void>
}

/** Makes the watch; its first round reads what was done before. */
export function createInputFolder(options: InputFolderOptions): InputFolder {
  const watch = new FolderWatch(options)
  return { round: (signal) => watch.round(signal) }
}

/** One reading of the folder: its files with their prints, and what was submitted before. */
interface Round {
  readonly present: ReadonlyMap<string, string>
  readonly taken: TakenFiles
}

/** A film that has settled, and its subtitles, which have too. */
interface Film {
  readonly file: string
  readonly print: string
  readonly subtitles: readonly string[]
}

class FolderWatch {
  readonly #options: InputFolderOptions
  readonly #settling: Settling
  #taken: TakenFiles | null = null
  #askedAt = Number.NEGATIVE_INFINITY
  readonly #loggedLinks = new Set<string>()

  constructor(options: InputFolderOptions) {
    this.#options = options
    this.#settling = options.settling ?? createSettling(options.clock)
  }

  async round(signal: AbortSignal): Promise<void> {
    const { input, openTaken, log } = this.#options
    this.#taken ??= await openTaken()
    await mkdir(input, { recursive: true })
    const { files: present, links } = await contentOf(input)
    const round = { present, taken: this.#taken }
    this.#logLinks(links)
    this.#settling.keepOnly(present)
    const { films, subtitlesOf } = splitSidecars(present.keys())
    for (const file of films) {
      const print = present.get(file) ?? ''
      if (signal.aborted) return
      if (round.taken.all.get(file)?.print === print) continue
      const subtitles = usable(subtitlesOf.get(file) ?? [], present)
      const waits = [file, ...subtitles].map((each) => this.#settling.isSettled(each, present.get(each) ?? ''))
      if (waits.includes(false)) continue
      await this.#takeIn({ file, print, subtitles }, round, signal).catch((error: unknown) => {
        if (!signal.aborted)
          log.warn('a file of the input folder could not be submitted; retrying', { file, error: sentence(error) })
      })
    }
    await this.#checkOutcomes(round)
  }

  /** Says once of each link that it is not followed. */
  #logLinks(links: readonly UnfollowedLink[]): void {
    for (const { path: link, to } of links.filter(({ path }) => !this.#loggedLinks.has(path))) {
      this.#loggedLinks.add(link)
      this.#options.log.warn(UNFOLLOWED[to], { link })
    }
  }

  async #takeIn({ file, print, subtitles }: Film, { present, taken }: Round, signal: AbortSignal): Promise<void> {
    const { input, output: out, recipe, key: hls_key, webhooks = [], log } = this.#options
    const path = join(input, file)
    try {
      const [looked, ...lookedBeside] = await Promise.all([file, ...subtitles].map((each) => lookAtFile(input, each)))
      // It may have become a link, or lie behind one, since the folder was read.
      if (looked === undefined || [looked, ...lookedBeside].some(({ mayFollow }) => !mayFollow)) return
      await mustBeWhole(path)
      const beside = subtitles.map((each, at) => ({
        path: join(input, each),
        identity: lookedBeside[at]?.identity,
        ...readSubtitleName(file, each),
      }))
      const request = {
        path,
        identity: looked.identity,
        recipe,
        priority: 0,
        deadline: this.#options.deadlineAt?.(this.#options.clock.now()) ?? null,
        out,
        name: nameOf(file),
        subtitles: beside,
        hls_key,
        webhooks,
        signal,
      }
      const { video, outcome } = await this.#options.submit(request)
      log.info('taken from the input folder', { file, subtitles, video: video._id, outcome })
      await taken.record(file, { print, video: video._id }, present)
    } catch (error) {
      if (!(error instanceof SourceRefused)) throw error
      return this.#refuse(file, print, error)
    }
    this.#settling.forget(file)
  }

  /** Rejects a file only after `INPUT_REFUSED_MS` without a change: a copy that pauses looks like a truncated file. */
  async #refuse(file: string, print: string, error: SourceRefused): Promise<void> {
    const { input, log } = this.#options
    const why = sentence(error)
    const hasChanged = error instanceof SourceUnsettled || (await printOf(join(input, file))) !== print
    if (!hasChanged && this.#settling.waitLonger(file)) {
      log.info('a file of the input folder is moved aside unless it still changes', { file, reason: why })
      return
    }
    this.#settling.forget(file)
    if (!hasChanged) await this.#moveToRejected(file, why)
  }

  /** Rejects files that only the ingest refuses: no frame can be decoded, times jump back, or it is too long. */
  async #checkOutcomes({ present, taken }: Round): Promise<void> {
    const { ledger, clock, log } = this.#options
    const undecided = [...taken.all].flatMap(([file, { print, video }]) =>
      video === null ? [] : [{ file, print, video }],
    )
    if (undecided.length === 0 || clock.mono() - this.#askedAt < INPUT_OUTCOME_MS) return
    this.#askedAt = clock.mono()
    const open = new Set((await ledger.videos({ statuses: OPEN_STATUSES })).map(({ _id }) => _id))
    for (const { file, print, video } of undecided) {
      if (open.has(video)) continue
      const failure = await failureOf(ledger, video)
      const isThere = present.get(file) === print
      const why = isThere && failure?.code === 'source_refused' ? failure.message : null
      const isAnother = isThere && failure?.code === 'source_changed'
      try {
        if (why !== null) await this.#moveToRejected(file, why)
        // Another file may have the same size and time; it is submitted as any other.
        await taken.record(file, why !== null || isAnother ? null : { print, video: null }, present)
      } catch (error) {
        log.warn('a file of the input folder cannot be moved aside', { file, error: sentence(error) })
      }
    }
  }

  async #moveToRejected(file: string, why: string): Promise<void> {
    await moveToRejected(this.#options.input, file, why)
    this.#options.log.warn('a file of the input folder was moved aside', { file, reason: why })
  }
}

const UNFOLLOWED = {
  'a folder':
    'a link to a folder is not followed: it may lead back; put the folder itself here, or watch it with another node',
  'a file of another user':
    'a link to a file of another user is not followed: its maker might not be allowed to read it; put the file itself here',
} as const

/** The subtitles that a submit takes. */
const usable = (subtitles: readonly string[], present: Round['present']): string[] =>
  subtitles.filter((file) => bytesOf(present.get(file) ?? '') <= SUBTITLE_BYTES_MAX).slice(0, SUBTITLE_FILES_MAX)

/** The name of the results: the relative path without its ending, with `/` on every system. */
const nameOf = (file: string): string =>
  file
    .slice(0, file.length - extname(file).length)
    .split(sep)
    .join('/')

/** Throws `SourceRefused` for a truncated file, where its own headers show its length. */
async function mustBeWhole(path: string): Promise<void> {
  const missing = await mp4BytesMissingFrom(path)
  if (missing === null) return
  const { bytes, ought } = missing
  throw new SourceRefused(
    `"${path}" is not whole: ${bytes} bytes are there, and it says that it has at least ${ought}; copy it again, or have what is there encoded with \`reelmesh submit\``,
  )
}

/** Of what the video failed, where its source is to blame. */
async function failureOf(
  ledger: InputFolderOptions['ledger'],
  id: VideoId,
): Promise<{ code: FailureCode; message: string } | null> {
  const video = await ledger.video(id)
  if (video?.status !== 'FAILED' || video.failure === null) return null
  const failed = await ledger.tasks({ video: id, statuses: ['FAILED'] })
  const codes = new Set(failed.flatMap(({ failures }) => failures.map(({ code }) => code)))
  const code = (['source_changed', 'source_refused'] as const).find((each) => codes.has(each))
  return code === undefined ? null : { code, message: video.failure }
}
