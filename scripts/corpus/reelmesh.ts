/**
 * A folder's files through the real command line, a few to a mesh: starting a mesh takes seconds, and a film that hangs takes only
 * its own batch along.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runFilms } from '../../testing/sources/real-run.ts'
import { CRF } from './plain.ts'

export type Outcome =
  | { readonly made: true; readonly output: string; readonly notes: readonly string[] }
  /** The sentence that says why there is no film. */
  | { readonly made: false; readonly sentence: string }

/** Films of one mesh: what one that hangs may take along. */
export const BATCH = 8
const START_MS = 60_000
const FILM_MS = 120_000

/** `dir` is an existing folder of the batch's own; results stay in it. */
export async function runBatch(files: readonly string[], dir: string): Promise<ReadonlyMap<string, Outcome>> {
  const timeoutMs = START_MS + files.length * FILM_MS
  const { events, stderr } = await runFilms(files, { dir, args: ['--crf', CRF, '--workers', '2'], timeoutMs })
  await rm(join(dir, 'data'), { recursive: true, force: true })
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return new Map(files.map((file) => [file, outcomeOf(file, events) ?? { made: false, sentence: `not done: ${said}` }]))
}

/** Null where the run ended before the film did. */
function outcomeOf(file: string, events: readonly Record<string, unknown>[]): Outcome | null {
  const refused = events.find((event) => event.event === 'refused' && event.file === file)
  if (refused) return { made: false, sentence: String(refused.message) }
  const video = events.find((event) => event.event === 'submitted' && event.file === file)?.video
  const end = events.find(({ event, video: of }) => of === video && (event === 'delivered' || event === 'failed'))
  if (!end || video === undefined) return null
  if (end.event === 'failed') return { made: false, sentence: String(end.message) }
  const [first] = end.files as { path: string }[]
  return { made: true, output: first?.path ?? '', notes: end.notes as string[] }
}
