/**
 * A watched folder: every video file in it is submitted, and its results are delivered to the output folder, below the same sub-folder.
 *
 * Promises: a file is submitted once its size and mtime have settled; files with the same bytes are one video, delivered under each name;
 * submitted files are remembered across restarts while they lie there; files are never changed. Hidden and partial files (`.x`, `x.part`,
 * `x.tmp`) are ignored.
 *
 *   seen ── the same for 4 s ──► submitted ──► remembered ── the ingest refuses it ──► in `rejected/`, with a text
 *                                    └─ refused ── the same for 30 s ──► submitted ── refused ──► in `rejected/`, with a text
 *   A file that is put back is submitted again. A file that changes starts at the beginning: a copy that pauses is never moved while it is
 *   written.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join, sep } from 'node:path'
import { z } from 'zod'
import { durableWrite } from '../../files/durable-write.ts'
import type { Clock } from '../../protocol/clock.ts'
import { SourceRefused, SourceUnsettled, sentence } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { INPUT_FILES_MAX, INPUT_OUTCOME_MS, INPUT_REFUSED_MS, INPUT_SETTLED_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'
import { mp4BytesMissingFrom } from './mp4-end.ts'
import type { SubmitRequest, Submitted } from './submit.ts'

/** The folders, and the parts that the watch uses. */
export interface InputFolderOptions {
  /** Absolute paths. */
  readonly input: string
  readonly output: string
  /** File with the submitted files. */
  readonly stateFile: string
  readonly recipe: Recipe
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

const REJECTED = 'rejected'
const PARTIAL = /^\.|\.(part|partial|tmp|crdownload|download)$|~$/i

/** Relative path → `size:mtime` of what was taken in, and its video's id while that may still turn out to be none. */
const stateSchema = z.record(z.string(), z.string())

/** Makes the watch; its first round reads what was done before. */
export function createInputFolder(options: InputFolderOptions): InputFolder {
  const { input, output, stateFile, clock, log } = options
  /** Files that are waited for: since when they have been the same, by the own clock, and how long they must be. */
  const settling = new Map<string, { print: string; since: number; forMs: number }>()
  let done: Map<string, string> | null = null
  let askedAt = Number.NEGATIVE_INFINITY

  async function load(): Promise<Map<string, string>> {
    const text = await readFile(stateFile, 'utf8').catch(() => '{}')
    const parsed = stateSchema.safeParse(parseJson(text))
    return new Map(Object.entries(parsed.success ? parsed.data : {}))
  }

  /** Only what is gone is forgotten: what lies there would be taken in, and hashed, again and again. */
  async function remember(file: string, value: string | null, here: ReadonlyMap<string, string>): Promise<void> {
    if (done === null) return
    if (value === null) done.delete(file)
    else done.set(file, value)
    if (done.size > INPUT_FILES_MAX) for (const known of done.keys()) if (!here.has(known)) done.delete(known)
    await durableWrite(stateFile, JSON.stringify(Object.fromEntries(done)), { temporary: `${stateFile}.new` })
  }

  /** True once the file has been the same for long enough. */
  function isSettled(file: string, print: string): boolean {
    const known = settling.get(file)
    if (known?.print === print) return clock.mono() - known.since >= known.forMs
    settling.set(file, { print, since: clock.mono(), forMs: INPUT_SETTLED_MS })
    return false
  }

  /** A copy that pauses, over a network or from a camera, looks like a file that was cut off: only time tells them apart. */
  async function refuse(file: string, print: string, error: SourceRefused): Promise<void> {
    const known = settling.get(file)
    const hasChanged = error instanceof SourceUnsettled || (await printOf(join(input, file))) !== print
    if (!hasChanged && known && known.forMs < INPUT_REFUSED_MS) {
      known.forMs = INPUT_REFUSED_MS
      log.info('a file of the input folder is moved aside unless it still changes', { file, why: sentence(error) })
      return
    }
    settling.delete(file)
    if (!hasChanged) await moveAside(file, sentence(error))
  }

  async function moveAside(file: string, why: string): Promise<void> {
    const to = await freeName(join(input, REJECTED), file)
    await mkdir(dirname(to), { recursive: true })
    // The text first: without room for it the file stays, and is asked after again.
    await writeFile(`${to}.txt`, `${why}\n`)
    await rename(join(input, file), to).catch(async (error) => {
      await rm(`${to}.txt`, { force: true })
      throw error
    })
    log.warn('a file of the input folder was moved aside', { file, why })
  }

  async function takeIn(file: string, here: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void> {
    const path = join(input, file)
    const print = here.get(file) ?? ''
    const name = file
      .slice(0, file.length - extname(file).length)
      .split(sep)
      .join('/')
    try {
      await mustBeWhole(path)
      const { video, outcome } = await options.submit({
        path,
        recipe: options.recipe,
        priority: 0,
        deadline: null,
        out: output,
        name,
        signal,
      })
      log.info('taken from the input folder', { file, video: video._id, outcome })
      await remember(file, `${print} ${video._id}`, here)
    } catch (error) {
      if (!(error instanceof SourceRefused)) throw error
      return refuse(file, print, error)
    }
    settling.delete(file)
  }

  /** What only the ingest can tell: that nothing can be decoded, that its clock jumps back, that it is too long. */
  async function lookAfter(here: ReadonlyMap<string, string>): Promise<void> {
    const watched = [...(done ?? [])].filter(([, value]) => value.includes(' '))
    if (watched.length === 0 || clock.mono() - askedAt < INPUT_OUTCOME_MS) return
    askedAt = clock.mono()
    const open = new Set((await options.ledger.videos({ statuses: OPEN_STATUSES })).map(({ _id }) => _id))
    for (const [file, value] of watched) {
      const [print = '', id = ''] = value.split(' ')
      if (open.has(id as VideoId)) continue
      const why = await refusalOf(options.ledger, id as VideoId)
      const isThere = why !== null && here.get(file) === print
      try {
        if (isThere) await moveAside(file, why)
        await remember(file, isThere ? null : print, here)
      } catch (error) {
        log.warn('a file of the input folder cannot be moved aside', { file, why: sentence(error) })
      }
    }
  }

  return {
    async round(signal) {
      done ??= await load()
      await mkdir(input, { recursive: true })
      const files = await waitingFiles(input)
      for (const gone of settling.keys()) if (!files.has(gone)) settling.delete(gone)
      for (const [file, print] of files) {
        if (signal.aborted) return
        if (done.get(file)?.split(' ')[0] === print || !isSettled(file, print)) continue
        await takeIn(file, files, signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn('a file of the input folder is tried again', { file, why: sentence(error) })
        })
      }
      await lookAfter(files)
    },
  }
}

/** Half a copy is told from a whole file where the file itself says how long it is. */
async function mustBeWhole(path: string): Promise<void> {
  const missing = await mp4BytesMissingFrom(path)
  if (missing === null) return
  const { bytes, ought } = missing
  throw new SourceRefused(
    `"${path}" is not whole: ${bytes} bytes are there, and it says that it has at least ${ought}; copy it again, or have what is there encoded with \`reelmesh submit\``,
  )
}

/** Why the source of this video cannot be used, where that is what it failed of. */
async function refusalOf(ledger: InputFolderOptions['ledger'], id: VideoId): Promise<string | null> {
  const video = await ledger.video(id)
  if (video?.status !== 'FAILED' || video.failure === null) return null
  const failed = await ledger.tasks({ video: id, statuses: ['FAILED'] })
  const isRefused = failed.some(({ failures }) => failures.some(({ code }) => code === 'source_refused'))
  return isRefused ? video.failure : null
}

/** Every file below the folder that may be a video, with a print of its size and time. */
async function waitingFiles(input: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const file of filesBelow(input)) {
    const print = await printOf(join(input, file))
    if (print !== null) found.set(file, print)
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)))
}

/** Relative paths. Links to files are files; none to a folder is followed, as it may lead back. */
async function* filesBelow(input: string, folder = ''): AsyncGenerator<string> {
  const entries = await readdir(join(input, folder), { withFileTypes: true }).catch((error: unknown) => {
    if (folder === '') throw error
    // Gone meanwhile, or not for this user to read: the others are no worse for it.
    return []
  })
  for (const entry of entries) {
    const file = join(folder, entry.name)
    if (file === REJECTED || PARTIAL.test(entry.name)) continue
    if (entry.isDirectory()) yield* filesBelow(input, file)
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(join(input, file))))) yield file
  }
}

/** Also where a link leads to one. */
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  )

/** Size and time of a file; null where it is gone. */
async function printOf(path: string): Promise<string | null> {
  const facts = await stat(path).catch(() => null)
  return facts && `${facts.size}:${Math.trunc(facts.mtimeMs)}`
}

/** `clip.mp4`, or `clip-2.mp4` and so on where an earlier one lies: neither it nor its text is written over. */
async function freeName(dir: string, file: string): Promise<string> {
  const ending = extname(file)
  const stem = file.slice(0, file.length - ending.length)
  const isThere = async (path: string) => (await printOf(path)) !== null
  for (let n = 1; ; n++) {
    const path = join(dir, n === 1 ? file : `${stem}-${n}${ending}`)
    if (!(await isThere(path)) && !(await isThere(`${path}.txt`))) return path
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
