/**
 * A watched folder: every video put there is submitted, its results land in the output folder under the same sub-folder.
 *
 * Promises: a file counts once its size has settled; the same bytes are not encoded twice (a video's id is its bytes and
 * recipe); a file that cannot be used is moved aside to `rejected/` with a text that says why; what was done is
 * remembered across restarts; files are never changed. Hidden and partial files (`.x`, `x.part`, `x.tmp`) are left alone.
 */
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../protocol/clock.ts'
import { SourceRefused, sentence } from '../protocol/errors.ts'
import { INPUT_FILES_MAX, INPUT_SETTLED_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Recipe } from '../protocol/recipe.ts'
import type { SubmitRequest, Submitted } from './submit.ts'

export interface InputFolderOptions {
  /** Absolute. */
  readonly input: string
  readonly output: string
  /** What was done is remembered here. */
  readonly stateFile: string
  readonly recipe: Recipe
  readonly clock: Clock
  readonly log: Log
  submit(request: SubmitRequest): Promise<Submitted>
}

export interface InputFolder {
  /** One look through the folder. Rejects only when aborted or the folder cannot be read. */
  round(signal: AbortSignal): Promise<void>
}

const REJECTED = 'rejected'
const PARTIAL = /^\.|\.(part|partial|tmp|crdownload|download)$|~$/i

/** Relative path → `size:mtime` of what was taken in. */
const stateSchema = z.record(z.string(), z.string())

export function createInputFolder(options: InputFolderOptions): InputFolder {
  const { input, output, stateFile, clock, log } = options
  const settling = new Map<string, { print: string; since: number }>()
  let done: Map<string, string> | null = null

  async function load(): Promise<Map<string, string>> {
    const text = await readFile(stateFile, 'utf8').catch(() => '{}')
    const parsed = stateSchema.safeParse(parseJson(text))
    return new Map(Object.entries(parsed.success ? parsed.data : {}))
  }

  async function remember(file: string, print: string): Promise<void> {
    if (done === null) return
    done.set(file, print)
    const oldest = done.keys().next().value
    if (done.size > INPUT_FILES_MAX && oldest !== undefined) done.delete(oldest)
    await writeFile(`${stateFile}.new`, JSON.stringify(Object.fromEntries(done)))
    await rename(`${stateFile}.new`, stateFile)
  }

  /** True once the file has been the same for long enough. */
  function isSettled(file: string, print: string): boolean {
    const known = settling.get(file)
    if (known?.print !== print) settling.set(file, { print, since: clock.mono() })
    return known?.print === print && clock.mono() - known.since >= INPUT_SETTLED_MS
  }

  async function moveAside(file: string, why: string): Promise<void> {
    const to = join(input, REJECTED, file)
    await mkdir(dirname(to), { recursive: true })
    await rename(join(input, file), to)
    await writeFile(`${to}.txt`, `${why}\n`)
    log.warn('a file of the input folder was moved aside', { file, why })
  }

  async function takeIn(file: string, print: string, signal: AbortSignal): Promise<void> {
    const path = join(input, file)
    const name = file
      .slice(0, file.length - extname(file).length)
      .split(sep)
      .join('/')
    try {
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
    } catch (error) {
      if (!(error instanceof SourceRefused)) throw error
      await moveAside(file, sentence(error))
    }
    settling.delete(file)
    await remember(file, print)
  }

  return {
    async round(signal) {
      done ??= await load()
      await mkdir(input, { recursive: true })
      const files = await waitingFiles(input)
      for (const gone of settling.keys()) if (!files.has(gone)) settling.delete(gone)
      for (const [file, print] of files) {
        if (signal.aborted) return
        if (done.get(file) === print || !isSettled(file, print)) continue
        await takeIn(file, print, signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn('a file of the input folder is tried again', { file, why: sentence(error) })
        })
      }
    },
  }
}

/** Every file below the folder that may be a video, with a print of its size and time. */
async function waitingFiles(input: string): Promise<Map<string, string>> {
  const entries = await readdir(input, { recursive: true, withFileTypes: true })
  const found = new Map<string, string>()
  for (const entry of entries) {
    const file = relative(input, join(entry.parentPath, entry.name))
    const parts = file.split(sep)
    if (!entry.isFile() || parts[0] === REJECTED || parts.some((part) => PARTIAL.test(part))) continue
    const facts = await stat(join(input, file)).catch(() => null)
    if (facts) found.set(file, `${facts.size}:${Math.trunc(facts.mtimeMs)}`)
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
