/**
 * The files of a watched folder that were submitted, in a file of the data folder, so that a restart submits none of them again. The file is
 * one JSON object: relative path → `<print>`, or `<print> <video id>` while the ingest of that video may still refuse the source.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { durableWrite } from '../../files/durable-write.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { INPUT_FILES_MAX } from '../../protocol/limits.ts'

/** A file that was submitted. */
export interface TakenIn {
  /** The print (`printOf`) of the file when it was submitted; without spaces. */
  readonly print: string
  /** The video whose ingest may still refuse this file; null once it cannot any more. */
  readonly video: VideoId | null
}

/** The submitted files of one folder, in memory and on disk. */
export interface TakenFiles {
  /** The submitted files, by relative path. */
  readonly all: ReadonlyMap<string, TakenIn>
  /**
   * Remembers a file, or forgets it (`null`), durably. `present`: the files that lie in the folder now. Once there are more than
   * `INPUT_FILES_MAX`, the others are forgotten. Rejects where the state file cannot be written: memory is ahead of it then.
   */
  record(file: string, entry: TakenIn | null, present: ReadonlyMap<string, unknown>): Promise<void>
}

/** The text that the state file holds for a file. */
export const encodeTakenIn = ({ print, video }: TakenIn): string => (video === null ? print : `${print} ${video}`)

/** The reverse of `encodeTakenIn`. Never throws: another text gives a print or video that matches nothing. */
export function decodeTakenIn(text: string): TakenIn {
  const [print = '', video] = text.split(' ')
  return { print, video: video === undefined ? null : (video as VideoId) }
}

/** Reads the state file; one that is missing or cannot be read as such counts as empty. */
export async function openTakenFiles(stateFile: string): Promise<TakenFiles> {
  const text = await readFile(stateFile, 'utf8').catch(() => '{}')
  const parsed = z.record(z.string(), z.string()).safeParse(parseJson(text))
  const entries = Object.entries(parsed.success ? parsed.data : {})
  return new StateFile(stateFile, new Map(entries.map(([file, entry]) => [file, decodeTakenIn(entry)])))
}

class StateFile implements TakenFiles {
  readonly #path: string
  readonly #all: Map<string, TakenIn>

  constructor(path: string, all: Map<string, TakenIn>) {
    this.#path = path
    this.#all = all
  }

  get all(): ReadonlyMap<string, TakenIn> {
    return this.#all
  }

  async record(file: string, entry: TakenIn | null, present: ReadonlyMap<string, unknown>): Promise<void> {
    const all = this.#all
    if (entry === null) all.delete(file)
    else all.set(file, entry)
    // Only what is gone is forgotten: what lies there would be submitted, and hashed, again and again.
    if (all.size > INPUT_FILES_MAX) for (const known of all.keys()) if (!present.has(known)) all.delete(known)
    const texts = [...all].map(([path, taken]) => [path, encodeTakenIn(taken)])
    await durableWrite(this.#path, JSON.stringify(Object.fromEntries(texts)), { temporary: `${this.#path}.new` })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
