/**
 * Workers as processes of this host: nodes of their own with a data folder each, ended by closing their standard input when this
 * process ends, however it does. Limits are the machine's own: a process has no cpus or memory of its own to be given.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Clock, within } from '../../protocol/clock.ts'
import {
  exitText,
  type LaunchedWorker,
  type Launcher,
  STOP_GRACE_MS,
  type WorkerSpec,
} from '../../protocol/launcher.ts'
import { withoutSettings } from '../environment.ts'

export interface ProcessLauncherOptions {
  readonly clock: Clock
  /** Names this very node: two nodes on one host are two engines, as neither sees the processes of the other. */
  readonly engine: string
  /** Each worker's data folder is a new one in here. */
  readonly dir: string
  /** The program and its first arguments, such as Node, the entry file, `node` and `--parent-channel`. */
  readonly command: readonly [program: string, ...args: string[]]
  readonly graceMs?: number
}

interface Worker {
  readonly spec: WorkerSpec
  readonly id: string
  readonly startedAt: number
  readonly ended: Promise<void>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
  how: string | null
  endedAt: number | null
}

export function createProcessLauncher(options: ProcessLauncherOptions): Launcher {
  const { clock } = options
  const workers = new Map<string, Worker>()
  const folder = (id: string) => join(options.dir, id)
  let swept: Promise<void> | null = null

  const shown = (worker: Worker): LaunchedWorker => ({
    id: worker.id,
    name: worker.spec.name,
    rendition: worker.spec.rendition,
    reason: worker.spec.reason,
    state: worker.how === null ? 'running' : 'ended',
    life_ms: worker.endedAt === null ? null : worker.endedAt - worker.startedAt,
    how: worker.how,
  })

  async function spawn(spec: WorkerSpec): Promise<Worker> {
    const id = spec.name
    // What an earlier life that was killed has left: its workers ended with it.
    swept ??= rm(options.dir, { recursive: true, force: true })
    await swept
    await mkdir(folder(id), { recursive: true, mode: 0o700 })
    const [program, ...args] = options.command
    const child = execa(program, args, {
      env: { ...withoutSettings(process.env), ...spec.environment, REELMESH_DATA_DIR: folder(id) },
      extendEnv: false,
      cwd: folder(id),
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: { file: join(folder(id), 'log'), append: true },
      buffer: false,
      reject: false,
    })
    const ended = child.then(async (result) => {
      const endedAt = clock.mono()
      const hasFailed = !result.signal && result.exitCode !== 0
      const said = hasFailed ? await readFile(join(folder(id), 'log'), 'utf8').catch(() => '') : ''
      worker.how = result.signal ? `ended by ${result.signal}` : exitText(result.exitCode ?? 'none', said)
      worker.endedAt = endedAt
    })
    const worker: Worker = {
      spec,
      id,
      startedAt: clock.mono(),
      ended,
      kill: (signal) => void child.kill(signal),
      how: null,
      endedAt: null,
    }
    return worker
  }

  async function end(worker: Worker): Promise<void> {
    worker.kill('SIGTERM')
    if ((await within(clock, options.graceMs ?? STOP_GRACE_MS, worker.ended)) === 'late') worker.kill('SIGKILL')
    await worker.ended
    await rm(folder(worker.id), { recursive: true, force: true })
  }

  async function stop(id: string): Promise<void> {
    const worker = workers.get(id)
    if (!worker) return
    await end(worker)
    workers.delete(id)
  }

  return {
    engine: async () => options.engine,
    async start(spec) {
      const worker = workers.get(spec.name) ?? (await spawn(spec))
      workers.set(spec.name, worker)
      return shown(worker)
    },
    stop,
    list: async () => [...workers.values()].map(shown),
    async close() {
      await Promise.all([...workers.keys()].map(stop))
    },
  }
}
