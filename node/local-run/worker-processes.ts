/**
 * The worker processes of one `run`: nodes of their own on this host, sharing the parent's ledger and blob folder. One that dies is
 * started again after a backoff; all end when the parent does, because their standard input then closes.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { withoutSettings } from '../../fleet/environment.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Log } from '../../protocol/log.ts'

export interface WorkerProcessesOptions {
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly count: number
  /** The program's own entry file, run again by this Node. */
  readonly entry: string
  readonly dataDir: string
  /** Flags of `reelmesh node` that all of them share. */
  readonly flags: readonly string[]
  onStart?(name: string, pid: number): void
  onExit?(name: string, pid: number, how: string): void
}

const RESTART_MS = { base: 500, max: 30_000 } as const
/** A life this long forgives earlier deaths. */
const HEALTHY_MS = 30_000
/** A worker that does not end on SIGTERM is killed: its claims are fenced. */
const STOP_MS = 8_000
/** Small young generation and heap: 104 MB per idle process instead of 128 (measured). */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=256']

interface Child {
  readonly pid: number
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
  /** How it ended, in words. */
  readonly ended: Promise<string>
}

export interface WorkerProcesses {
  start(): Promise<void>
  pids(): ReadonlyMap<string, number>
  stop(): Promise<void>
}

export function createWorkerProcesses(options: WorkerProcessesOptions): WorkerProcesses {
  const { clock, rng, log } = options
  const stopping = new AbortController()
  const children = new Map<string, Child>()
  const loops: Promise<void>[] = []

  function spawn(name: string, dir: string): Child {
    const args = [
      ...NODE_FLAGS,
      options.entry,
      'node',
      '--name',
      name,
      '--data-dir',
      dir,
      '--parent-channel',
      ...options.flags,
    ]
    const stderr = { file: join(dir, 'log'), append: true } as const
    const child = execa(process.execPath, args, {
      cwd: dir,
      env: withoutSettings(process.env),
      extendEnv: false,
      stdin: 'pipe',
      stdout: 'ignore',
      stderr,
      buffer: false,
      reject: false,
    })
    const ended = child.then((result) =>
      result.signal ? `ended by ${result.signal}` : `exit code ${result.exitCode ?? 'none'}`,
    )
    return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), ended }
  }

  async function keep(at: number): Promise<void> {
    const name = `worker ${at + 1}`
    const dir = join(options.dataDir, 'workers', String(at + 1))
    await mkdir(dir, { recursive: true })
    for (let deaths = 0; !stopping.signal.aborted; deaths++) {
      const startedAt = clock.mono()
      const child = spawn(name, dir)
      children.set(name, child)
      const { pid } = child
      options.onStart?.(name, pid)
      const how = await child.ended
      children.delete(name)
      if (stopping.signal.aborted) return
      log.warn('a worker process ended and is started again', { worker: name, pid, how })
      options.onExit?.(name, pid, how)
      if (clock.mono() - startedAt > HEALTHY_MS) deaths = 0
      await clock
        .sleep(backoffMs({ tries: deaths, baseMs: RESTART_MS.base, maxMs: RESTART_MS.max, rng }), stopping.signal)
        .catch(() => {})
    }
  }

  return {
    async start() {
      if (loops.length === 0) for (let at = 0; at < options.count; at++) loops.push(keep(at))
    },
    pids: () => new Map([...children].map(([name, child]) => [name, child.pid])),
    async stop() {
      stopping.abort()
      for (const child of children.values()) child.kill('SIGTERM')
      const killLater = clock.timer(STOP_MS, () => {
        for (const child of children.values()) child.kill('SIGKILL')
      })
      await Promise.all(loops)
      killLater()
    },
  }
}
