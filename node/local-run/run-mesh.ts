/**
 * The isolated mesh of one `reelmesh run`. By itself this process does everything: a process of Node costs a small job more than it gains. With a number
 * of workers it is the coordinator and receiver of results, and worker processes on loopback encode, with a common ledger and blob folder; one that ends is
 * restarted, and all end with this process.
 */

import { join } from 'node:path'
import { createProcessSupervisor, type ProcessSpec, type RestartPolicy } from '../../fleet/supervise-processes.ts'
import { backoffMs } from '../../protocol/clock.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Media } from '../../protocol/media.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { startNode, type Wrappers } from '../compose.ts'
import { type Config, ledgerAddress, selfTestDir } from '../config.ts'
import type { NodeFace } from '../face.ts'
import { createPinoLog } from '../host/pino-log.ts'
import { systemClock, systemRng } from '../host/system-clock.ts'
import { slotsFor } from '../node-options.ts'

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
  /** Resolves after `ms`, or as soon as a video has changed its state or was delivered. Rejects with the signal's reason. */
  waitForVideos(ms: number, signal: AbortSignal): Promise<void>
  /** Whether a player has asked for something lately. */
  isWatched(): boolean
  /** Stops the workers, then this node. */
  stop(): Promise<void>
}

/** What a mesh is made of, and what it calls. */
export interface RunMeshOptions {
  /** The configuration of this process. It listens on loopback where there are workers; its roles and slots follow from `workers`. */
  readonly config: Omit<Config, 'roles' | 'slots'>
  /** Worker processes; without a number this process encodes. */
  readonly workers: number | undefined
  /** Number of films to encode. */
  readonly films: number
  /** The entry file of the program to start workers with; default: the one that runs now. */
  readonly entry?: string
  readonly wrap?: Wrappers
  /** The ffmpeg to use; default: that of the configuration. */
  readonly media?: Media
  onWorker?(event: WorkerEvent): void
}

/** A worker that does not end on SIGTERM within this is killed: its claims are fenced. */
const STOP_GRACE_MS = 8_000
/** The first restart is soon; a worker that fails each time must not keep a core busy. */
const RESTART: RestartPolicy = {
  waitMs: (shortRuns) => backoffMs({ tries: shortRuns, baseMs: 500, maxMs: 30_000, rng: systemRng }),
  healthyMs: 30_000,
}
/** Asks a worker for all trials of ffmpeg. It reads no more of it than that something was written. */
const ALL_TRIALS = 'all trials\n'
/** Small young generation and heap: 104 MB per idle process instead of 128 (measured). */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=256']

/** Starts the node of this process, then the workers, if any. Rejects as `startNode`, and where a worker cannot start; nothing is left running then. */
export async function createRunMesh(options: RunMeshOptions): Promise<RunMesh> {
  const { workers, films, entry, wrap, media, onWorker } = options
  const config: Config =
    workers === undefined
      ? { ...options.config, listen: [], roles: ['worker', 'coordinator'], slots: undefined }
      : { ...options.config, roles: ['coordinator'], slots: 0 }
  const log = createPinoLog({ level: config.log_level, name: config.name, file: join(config.data_dir, 'log') })
  const node = await startNode(config, {
    log,
    isOnlyCoordinator: true,
    // Who watches wants the first pictures soon.
    isForOneFilm: films === 1 && workers === undefined && config.http === undefined,
    ...(wrap && { wrap }),
    media,
  })
  const changes = createNotifier(systemClock)
  node.hints.on(['video'], changes.notify)
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
    // They are in the cache then.
    void node.wholeReport.then(() => processes.write(ALL_TRIALS))
    const program = entry ?? process.argv[1]!
    for (let number = 1; number <= (workers ?? 0); number++) {
      const slots = Math.max(1, Math.round(slotsFor(node.selfTestReport) / workers!))
      await processes.start(workerProcess(config, { number, entry: program, slots, join: node.addresses()[0]! }))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    dataDir: config.data_dir,
    face: node.face,
    problem: (video) => node.problems().get(video),
    waitForVideos: changes.wait,
    isWatched: node.isWatched,
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
    ['--trials-on-request'],
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
