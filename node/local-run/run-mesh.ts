/**
 * The mesh of one `run`: this process as coordinator and receiver of results, worker processes on loopback, one ledger and one
 * blob folder between them.
 */

import { freemem } from 'node:os'
import { join } from 'node:path'
import type { VideoId } from '../../protocol/ids.ts'
import { startNode, type Wrappers } from '../compose.ts'
import { type Config, defaultSlots, ledgerAddress, proofDir } from '../config.ts'
import { createPinoLog } from '../host/pino-log.ts'
import { systemClock, systemRng } from '../host/system-clock.ts'
import type { NodeFace } from '../node.ts'
import { createWorkerProcesses } from './worker-processes.ts'

export type WorkerEvent = {
  readonly what: 'started' | 'ended'
  readonly name: string
  readonly pid: number
  readonly how?: string
}

export interface RunMesh extends NodeFace {
  readonly dataDir: string
  problem(video: VideoId): string | undefined
  stop(): Promise<void>
}

export interface RunMeshOptions {
  readonly config: Config
  /** Worker processes; by cores and memory when not given. */
  readonly workers: number | undefined
  /** The program to start workers with; default: the one that runs now. */
  readonly entry?: string
  readonly wrap?: Wrappers
  onWorker?(event: WorkerEvent): void
}

/** Beyond this many processes one more slot goes into a process that is there: each takes about 100 MB. */
const PROCESSES_MAX = 4

export async function createRunMesh({ config, workers, entry, wrap, onWorker }: RunMeshOptions): Promise<RunMesh> {
  const log = createPinoLog({ level: config.log_level, name: config.name, file: join(config.data_dir, 'log') })
  const storeDir = join(config.data_dir, 'store')
  const node = await startNode(config, { log, ...(wrap && { wrap }) })
  const slots = defaultSlots({
    freeBytes: freemem(),
    coresPerSlot: node.proof.cores_per_slot,
    encodeBytes: node.proof.encode_bytes,
  })
  const count = workers ?? Math.min(slots, PROCESSES_MAX)
  const processes = createWorkerProcesses({
    clock: systemClock,
    rng: systemRng,
    log,
    count,
    entry: entry ?? process.argv[1]!,
    dataDir: config.data_dir,
    flags: [
      ['--roles', 'worker'],
      ['--ledger', ledgerAddress(config)],
      ['--store-dir', storeDir],
      ['--proof-dir', proofDir(config)],
      ['--slots', String(Math.max(1, Math.round(slots / count)))],
      ['--ffmpeg', config.ffmpeg],
      ['--ffprobe', config.ffprobe],
      ['--ffmpeg-stall-ms', String(config.ffmpeg_stall_ms)],
      ['--ffmpeg-memory-mb', String(config.ffmpeg_memory_mb)],
      ['--log-level', config.log_level],
      ['--listen', '/ip4/127.0.0.1/tcp/0'],
      ['--join', node.addresses()[0]!],
    ].flat(),
    onStart: (name, pid) => onWorker?.({ what: 'started', name, pid }),
    onExit: (name, pid, how) => onWorker?.({ what: 'ended', name, pid, how }),
  })
  await processes.start()
  return {
    dataDir: config.data_dir,
    self: node.self,
    ledger: node.ledger,
    snapshot: node.snapshot,
    row: node.row,
    submit: node.submit,
    act: node.act,
    setPeer: node.setPeer,
    problem: (video) => node.problems().get(video),
    async stop() {
      await processes.stop()
      await node.stop()
    },
  }
}
