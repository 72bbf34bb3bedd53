/**
 * Supervises child processes that are nodes of their own on this machine: starts them, restarts those with a restart policy, and
 * stops them. The only file of the fleet that spawns a process; the process launcher and `reelmesh run` both use it.
 *
 * Promises
 * - A child ends when this process does, however that ends: its standard input is a pipe from here, which closes then.
 * - A child reads none of this process's own `REELMESH_*` settings: a watched folder, for example, is watched once.
 * - What it writes to standard error is appended to `log` in its folder.
 * - A child with a restart policy runs again after a backoff until it is stopped; any other stays listed with how it ended.
 * - What `write` was given reaches every child on its standard input, also one that is started later.
 * - `stop` sends SIGTERM, and SIGKILL after the grace period; it resolves once the process has ended.
 *
 * Limits of CPU and memory are left to the machine: a process has none of its own.
 */
import { createReadStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import type { Clock } from '../protocol/clock.ts'
import { exitText } from '../protocol/launcher.ts'

/** When to restart a process that ended. */
export interface RestartPolicy {
  /** Wait before the next start, ms. `shortRuns`: number of short runs before the last one. */
  waitMs(shortRuns: number): number
  /** A run that lasted longer, ms, sets the number of short runs back to 0. */
  readonly healthyMs: number
}

/** A child process to start. */
export interface ProcessSpec {
  /** Unique within the supervisor. */
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
  /** Working directory, made where it is missing; holds the child's `log`. */
  readonly dir: string
  /** Variables besides those of this process without `REELMESH_*`. */
  readonly environment?: Readonly<Record<string, string>>
  /** Absent: a process that ended is not restarted. */
  readonly restart?: RestartPolicy
}

/** A child as it is now. */
export interface ProcessState {
  readonly name: string
  /** How long its last run lasted, ms; null while it runs. */
  readonly life_ms: number | null
  /** How its last run ended, with its last line on standard error where it failed; null while it runs. */
  readonly how: string | null
}

/** The clock and grace period of a supervisor, and its callbacks, which must not throw. */
export interface SupervisorOptions {
  readonly clock: Clock
  /** Time between SIGTERM and SIGKILL, ms. */
  readonly graceMs: number
  onStart?(name: string, pid: number): void
  /** Called when a run ended that was not stopped. `how`: as in `ProcessState`. */
  onExit?(name: string, pid: number, how: string): void
}

/** Starts, lists and stops children by name. */
export interface ProcessSupervisor {
  /** Starts a child; a running one of that name stays. Rejects with the error of the file system where its folder cannot be created. */
  start(spec: ProcessSpec): Promise<void>
  /** The children that were started and not stopped, in the order of their starts. */
  list(): readonly ProcessState[]
  /** Writes this to the standard input of every child, and of each that is started later. */
  write(text: string): void
  /** Ends the child and removes it from the list; does nothing for an unknown name. */
  stop(name: string): Promise<void>
  /** Stops all children at the same time. */
  stopAll(): Promise<void>
}

interface Child {
  readonly spec: ProcessSpec
  readonly stopping: AbortController
  run: Run | null
  last: { readonly life_ms: number; readonly how: string } | null
  /** Resolves when it has ended and will not be restarted. */
  done: Promise<void>
}

interface Run {
  readonly pid: number
  write(text: string): void
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
  /** How it ended. */
  readonly ended: Promise<string>
}

/** A supervisor without children. */
export function createProcessSupervisor(options: SupervisorOptions): ProcessSupervisor {
  const children = new Map<string, Child>()
  let written = ''

  async function start(spec: ProcessSpec): Promise<void> {
    if (children.has(spec.name)) return
    const child: Child = { spec, stopping: new AbortController(), run: null, last: null, done: Promise.resolve() }
    children.set(spec.name, child)
    try {
      await mkdir(spec.dir, { recursive: true, mode: 0o700 })
    } catch (error) {
      children.delete(spec.name)
      throw error
    }
    child.done = supervise(child, options, () => written)
  }

  async function stop(name: string): Promise<void> {
    const child = children.get(name)
    if (!child) return
    child.stopping.abort()
    child.run?.kill('SIGTERM')
    const cancel = options.clock.timer(options.graceMs, () => child.run?.kill('SIGKILL'))
    await child.done
    cancel()
    children.delete(name)
  }

  return {
    start,
    list: () => [...children.values()].map(({ spec, run, last }) => stateOf(spec.name, run ? null : last)),
    write(text) {
      written += text
      for (const { run } of children.values()) run?.write(text)
    },
    stop,
    async stopAll() {
      await Promise.all([...children.keys()].map(stop))
    },
  }
}

const stateOf = (name: string, last: Child['last']): ProcessState => ({
  name,
  life_ms: last?.life_ms ?? null,
  how: last?.how ?? null,
})

/** Runs a child until it is stopped, or once where it has no restart policy. `written`: what each run gets on its standard input first. */
async function supervise(
  child: Child,
  { clock, onStart, onExit }: SupervisorOptions,
  written: () => string,
): Promise<void> {
  const { spec, stopping } = child
  for (let shortRuns = 0; ; shortRuns++) {
    const logBytes = await bytesOf(logOf(spec))
    if (stopping.signal.aborted) return
    const startedAt = clock.mono()
    const run = spawn(spec, logBytes)
    child.run = run
    run.write(written())
    onStart?.(spec.name, run.pid)
    const how = await run.ended
    const life_ms = clock.mono() - startedAt
    child.last = { life_ms, how }
    child.run = null
    if (stopping.signal.aborted) return
    onExit?.(spec.name, run.pid, how)
    if (!spec.restart) return
    if (life_ms > spec.restart.healthyMs) shortRuns = 0
    await clock.sleep(spec.restart.waitMs(shortRuns), stopping.signal).catch(() => {})
  }
}

/** Starts a process. `logBytes`: length of its log before this run, so that lines of earlier runs are not read as its own. */
function spawn(spec: ProcessSpec, logBytes: number): Run {
  const [program, ...args] = spec.command
  const started = execa(program, args, {
    cwd: spec.dir,
    env: { ...withoutSettings(process.env), ...spec.environment },
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: { file: logOf(spec), append: true },
    buffer: false,
    reject: false,
  })
  const ended = started.then(async ({ signal, exitCode }) => {
    if (signal) return `ended by ${signal}`
    const words = exitCode === 0 ? '' : await text(createReadStream(logOf(spec), { start: logBytes })).catch(() => '')
    return exitText(exitCode ?? 'none', words)
  })
  const write = (text: string) => void started.stdin.write(text)
  return { pid: started.pid ?? 0, write, kill: (signal) => void started.kill(signal), ended }
}

const logOf = ({ dir }: ProcessSpec): string => join(dir, 'log')

const bytesOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

function withoutSettings(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(env).filter(([name]) => !name.startsWith('REELMESH_'))
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}
