/**
 * A folder's files through the real command line, a few to a mesh: starting a mesh takes seconds, and a film that hangs takes only
 * its own batch along.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventsOf, runCli } from '../../testing/tools/run-cli.ts'
import { CRF } from './plain.ts'

export type Outcome =
  | { readonly made: true; readonly output: string; readonly notes: readonly string[] }
  /** The sentence that says why there is no film. */
  | { readonly made: false; readonly sentence: string }

/** Films of one mesh: what one that hangs may take along. */
export const BATCH = 8
const START_MS = 60_000
const FILM_MS = 120_000

const RECIPE = ['--renditions', '480p', '--preset', 'ultrafast', '--crf', CRF, '--workers', '2', '--json']

/** `dir` is an existing folder of the batch's own; results stay in it. */
export async function runBatch(files: readonly string[], dir: string): Promise<ReadonlyMap<string, Outcome>> {
  const dataDir = join(dir, 'data')
  const timeoutMs = START_MS + files.length * FILM_MS
  const { stdout, stderr } = await runCli(['run', ...files, ...RECIPE, '--out', join(dir, 'out')], {
    cwd: dir,
    dataDir,
    timeoutMs,
  })
  await rm(dataDir, { recursive: true, force: true })
  const events = eventsOf(stdout)
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
