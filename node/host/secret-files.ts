/**
 * Small files of secrets: tokens and certificates of the HTTP API, secrets of webhooks. They are read when a node starts, and again within some ten
 * seconds after they have changed. Files that cannot be used then change nothing, and that is logged once. No log and no error shows what they hold.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../../protocol/clock.ts'
import { sentence, UsageError } from '../../protocol/errors.ts'
import type { Log } from '../../protocol/log.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { runRounds } from '../../protocol/rounds.ts'
import type { Part } from '../parts.ts'
import { isOpenToOthers } from './private-folder.ts'

/** A file, and how it is read. */
export interface SecretFile<T> {
  readonly path: string
  /** The flag that names it. */
  readonly flag: string
  /** What it holds, for people: `tokens of the HTTP API`. */
  readonly what: string
  /** The value of its text, or a sentence that says what is wrong with it, without a secret. */
  parse(text: string): T | string
}

/** The pause between two looks at files, ms. */
export const LOOK_MS = 5_000

/** The value of a file; one that others may read is logged. Rejects with `UsageError` where it cannot be read or used. */
export async function readSecretFile<T extends object>(file: SecretFile<T>, log: Log): Promise<T> {
  const { path, flag, what } = file
  const value = file.parse(await readText(path, flag))
  if (typeof value === 'string') throw new UsageError(`${flag} ${path}: ${value}`)
  if (isOpenToOthers(await stat(path))) log.warn(`other users may read the ${what}: chmod 600`, { path })
  return value
}

/** The text of a file that this flag names. Rejects with `UsageError` where it cannot be read. */
export const readText = (path: string, flag: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`${flag} ${path} cannot be read: ${cause.code}`, { cause })
  })

/** What files were when they were looked at: equal while nobody has written them; empty without files. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const facts = await Promise.all(paths.map((path) => stat(path, { bigint: true }).catch(() => null)))
  return facts.map((each) => (each === null ? 'none' : [each.ino, each.size, each.mtimeNs].join(' '))).join()
}

/** Files that are read again when they have changed. */
export interface WatchedFiles {
  readonly paths: readonly string[]
  /** What they hold, for people. */
  readonly what: string
  /** Their stamp before they were read. */
  readonly stamp: string
  /** Reads them and uses what they hold; where it rejects, they count as they were. */
  reread(): Promise<void>
}

/** One look at files: they are read again once they have changed, and nobody writes them any more. Never rejects. */
export function createFilesLook({ paths, what, stamp, reread }: WatchedFiles, log: Log): () => Promise<void> {
  let used = stamp
  let last = stamp
  return async () => {
    const now = await stampOf(paths)
    const isSettled = now === last
    last = now
    // A certificate and its key are two files: they are read once neither is written any more.
    if (now === used || !isSettled) return
    used = now
    try {
      await reread()
      log.info(`the ${what} have changed and were read again`)
    } catch (error) {
      log.warn(`the changed ${what} cannot be used: those from before stay`, { error: sentence(error) })
    }
  }
}

/** The part of a node that looks at files; at none it does nothing. */
export function watchPart(
  files: WatchedFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Required<Part> {
  let looking: Promise<void> | null = null
  const job = { name: files.what, everyMs: LOOK_MS, round: createFilesLook(files, log) }
  return {
    name: files.what,
    start(stopping) {
      if (files.paths.length > 0) looking = runRounds(job, { notifier: createNotifier(clock), log }, stopping)
    },
    stop: () => looking,
  }
}
