/**
 * The isolated mesh of one `reelmesh run`: this process as coordinator and receiver of results, worker processes on loopback, a common ledger
 * and blob folder. A worker process that ends is restarted; all end with this process.
 */

import { join } from 'node:path'
import { createProcessSupervisor, type ProcessSpec, type RestartPolicy } from '../../fleet/supervise-processes.ts'
import { backoffMs } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { slotsFor, startNode, type Wrappers } from '../compose.ts'
import { type Config, ledgerAddress, selfTestDir } from '../config.ts'
import type { NodeFace } from '../face.ts'
import { createPinoLog } from '../host/pino-log.ts'
import { systemClock, systemRng } from '../host/system-clock.ts'

/** A worker process was started, or ended without being stopped and will be restarted. */
export type WorkerEvent = {
  readonly what: 'started' | 'ended'
  /** `worker 1` and so on; the same after a restart. */
  readonly name: string
  readonly pid: number
  /** How it ended: `ended by SIGKILL`, `exit code 1`, with the last line it wrote to standard error where that says why. */
  readonly how?: string
}

/** The mesh of a run: the operations of its node, and its stop. */
export interface RunMesh {
  readonly face: NodeFace
  readonly dataDir: string
  /** Why the delivery of this video fails now, in a sentence; undefined where it does not. */
  problem(video: VideoId): string | undefined
  /** Stops the workers, then this node. */
  stop(): Promise<void>
}

/** `config` is that of this process, a coordinator without slots that listens on loopback. */
export interface RunMeshOptions {
  readonly config: Config
  /** Worker processes; by cores and memory when not given. */
  readonly workers: number | undefined
  /** The entry file of the program to start workers with; default: the one that runs now. */
  readonly entry?: string
  readonly wrap?: Wrappers
  onWorker?(event: WorkerEvent): void
  /** Called where the start runs trials of ffmpeg, which take seconds. */
  onTrials?(): void
}

/** Largest number of worker processes; further slots go into the same ones, as each process takes about 100 MB. */
const PROCESSES_MAX = 4
/** A worker that does not end on SIGTERM within this is killed: its claims are fenced. */
const STOP_GRACE_MS = 8_000
/** The first restart is soon; a worker that fails each time must not keep a core busy. */
const RESTART: RestartPolicy = {
  waitMs: (shortRuns) => backoffMs({ tries: shortRuns, baseMs: 500, maxMs: 30_000, rng: systemRng }),
  healthyMs: 30_000,
}
/** Small young generation and heap: 104 MB per idle process instead of 128 (measured). */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=256']

/** Starts the node of this process, then the workers. Rejects as `startNode`, and where a worker cannot start; nothing is left running then. */
export async function createRunMesh(options: RunMeshOptions): Promise<RunMesh> {
  const { config, workers, entry, wrap, onWorker } = options
  const log = createPinoLog({ level: config.log_level, name: config.name, file: join(config.data_dir, 'log') })
  const node = await startNode(config, {
    log,
    isOnlyCoordinator: true,
    onTrials: () => options.onTrials?.(),
    ...(wrap && { wrap }),
  })
  const slots = slotsFor(node.selfTestReport)
  const count = workers ?? Math.min(slots, PROCESSES_MAX)
  const processes = createProcessSupervisor({
    clock: systemClock,
    graceMs: STOP_GRACE_MS,
    onStart: (name, pid) => onWorker?.({ what: 'started', name, pid }),
    onExit(name, pid, how) {
      log.warn('a worker process ended; restarting it', { worker: name, pid, how })
      onWorker?.({ what: 'ended', name, pid, how })
    },
  })
  const stop = async () => {
    await processes.stopAll()
    await node.stop()
  }
  try {
    const program = entry ?? process.argv[1]!
    const slotsEach = Math.max(1, Math.round(slots / count))
    const address = node.addresses()[0]!
    for (let number = 1; number <= count; number++)
      await processes.start(workerProcess(config, { number, entry: program, slots: slotsEach, join: address }))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    dataDir: config.data_dir,
    face: node.face,
    problem: (video) => node.problems().get(video),
    stop,
  }
}

/** A `reelmesh node` with the worker's role, on this ledger and blob folder, that ends with its parent. */
function workerProcess(
  config: Config,
  worker: { number: number; entry: string; slots: number; join: string },
): ProcessSpec {
  const name = `worker ${worker.number}`
  const dir = join(config.data_dir, 'workers', String(worker.number))
  const flags = [
    ['--name', name],
    ['--data-dir', dir],
    ['--parent-channel'],
    ['--roles', 'worker'],
    ['--ledger', ledgerAddress(config)],
    ['--store-dir', join(config.data_dir, 'store')],
    ['--self-test-dir', selfTestDir(config)],
    ['--slots', String(worker.slots)],
    ['--ffmpeg', config.ffmpeg],
    ['--ffprobe', config.ffprobe],
    ['--ffmpeg-stall-ms', String(config.ffmpeg_stall_ms)],
    ['--ffmpeg-memory-mb', String(config.ffmpeg_memory_mb)],
    ['--sandbox', config.sandbox],
    ['--log-level', config.log_level],
    ['--listen', '/ip4/127.0.0.1/tcp/0'],
    ['--join', worker.join],
  ].flat()
  return { name, dir, command: [process.execPath, ...NODE_FLAGS, worker.entry, 'node', ...flags], restart: RESTART }
}
