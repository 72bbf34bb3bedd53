/** Films through the real command line, `run … --json`, at 480p as fast as it goes: what a person gets to see and to keep. */
import { join } from 'node:path'
import { type CliResult, eventsOf, runCli } from '../tools/run-cli.ts'

export interface Delivered {
  /** The files of one film, absolute. */
  readonly outputs: readonly string[]
  readonly notes: readonly string[]
}

export interface RunResult extends CliResult {
  readonly events: readonly Record<string, unknown>[]
  /** By the name that the mesh shows: the source's, without its extension. */
  readonly delivered: ReadonlyMap<string, Delivered>
  /** Sentences of films that were refused or failed, in the order they came. */
  readonly failures: readonly string[]
}

const FAST = ['--preset', 'ultrafast', '--renditions', '480p']

/** `dir` is a folder of the run's own; further arguments come last and so win. */
export async function runFilms(
  sources: readonly string[],
  { dir, args = [], timeoutMs }: { dir: string; args?: readonly string[]; timeoutMs?: number },
): Promise<RunResult> {
  const output = ['--out', join(dir, 'out'), '--workers', '1', '--json']
  const options = { cwd: dir, dataDir: join(dir, 'data'), ...(timeoutMs === undefined ? {} : { timeoutMs }) }
  const result = await runCli(['run', ...sources, ...FAST, ...output, ...args], options)
  const events = eventsOf(result.stdout)
  const delivered = events.flatMap((event) => (event.event === 'delivered' ? [deliveredOf(event)] : []))
  const failures = events.flatMap(({ event, message }) =>
    (event === 'failed' || event === 'refused') && typeof message === 'string' ? [message] : [],
  )
  return { ...result, events, delivered: new Map(delivered), failures }
}

function deliveredOf({ name, files, notes }: Record<string, unknown>): [string, Delivered] {
  const outputs = (files as { path: string }[]).map(({ path }) => path)
  return [name as string, { outputs, notes: notes as string[] }]
}
