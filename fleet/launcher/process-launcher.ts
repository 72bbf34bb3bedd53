/**
 * Workers as child processes of this node: each is a node with a new data folder, under one process supervisor. They end with this process.
 * The CPU and memory limits of a spec are not applied.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../protocol/clock.ts'
import { type LaunchedWorker, type Launcher, STOP_GRACE_MS, type WorkerSpec } from '../../protocol/launcher.ts'
import { createProcessSupervisor, type ProcessState } from '../supervise-processes.ts'

/** Where and how workers are started as processes. */
export interface ProcessSettings {
  /** Id of the engine, which is this node: two nodes on one machine are two engines, as neither lists the processes of the other. */
  readonly engine: string
  /** Parent of the workers' data folders. Its content is removed before the first start. */
  readonly dir: string
  /** The program and its first arguments, such as Node, the entry file, `node` and `--parent-channel`. */
  readonly command: readonly [program: string, ...args: string[]]
}

/** The settings, and the clock that measures how long a worker ran. */
export interface ProcessLauncherOptions extends ProcessSettings {
  readonly clock: Clock
}

/** A launcher of processes; a worker's id is its name. `start` also rejects with the error of the file system, for `dir`. */
export function createProcessLauncher({ clock, engine, dir, command }: ProcessLauncherOptions): Launcher {
  const processes = createProcessSupervisor({ clock, graceMs: STOP_GRACE_MS })
  const specs = new Map<string, WorkerSpec>()
  const folderOf = (id: string) => join(dir, id)
  let cleared: Promise<void> | null = null

  const list = (): LaunchedWorker[] =>
    processes.list().flatMap((state) => {
      const spec = specs.get(state.name)
      return spec ? [workerOf(spec, state)] : []
    })

  async function start(spec: WorkerSpec): Promise<LaunchedWorker> {
    // Data folders of workers of an earlier process of this node, which have ended.
    cleared ??= rm(dir, { recursive: true, force: true })
    await cleared
    const environment = { ...spec.environment, REELMESH_DATA_DIR: folderOf(spec.name) }
    if (!specs.has(spec.name)) specs.set(spec.name, spec)
    await processes.start({ name: spec.name, command, dir: folderOf(spec.name), environment })
    return list().find(({ id }) => id === spec.name)!
  }

  async function stop(id: string): Promise<void> {
    await processes.stop(id)
    if (!specs.delete(id)) return
    await rm(folderOf(id), { recursive: true, force: true })
  }

  return {
    engine: async () => engine,
    start,
    stop,
    list: async () => list(),
    async close() {
      await Promise.all([...specs.keys()].map(stop))
    },
  }
}

const workerOf = (spec: WorkerSpec, { life_ms, how }: ProcessState): LaunchedWorker => ({
  id: spec.name,
  name: spec.name,
  rendition: spec.rendition,
  reason: spec.reason,
  state: how === null ? 'running' : 'ended',
  life_ms,
  how,
})
