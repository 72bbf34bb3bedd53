/**
 * Translates the configuration of a node into options of the fleet: the rules of scaling, the launcher of this peer's engine, and the settings
 * of the workers started there.
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ScaleOptions } from '../coordinator/duty.ts'
import type { LauncherChoice } from '../fleet/launcher/launchers.ts'
import type { ReconcilerOptions } from '../fleet/reconcile/context.ts'
import { createReconciler, type Reconciler } from '../fleet/reconcile/reconcile.ts'
import type { Clock } from '../protocol/clock.ts'
import { UsageError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/ids.ts'
import type { Launcher, WorkerSpec } from '../protocol/launcher.ts'
import { type Config, ledgerAddress, selfTestDir } from './config.ts'
import { sharedSettings } from './shared/shared-folders.ts'

/** The parts of a node that the fleet uses. */
export interface FleetParts extends Omit<ReconcilerOptions, 'launcher' | 'max' | 'spec'> {
  /** The mesh key's text; undefined without one. */
  readonly swarmKey: string | undefined
  createLauncher(choice: LauncherChoice, clock: Clock): Launcher
  /** Multiaddrs at which started workers reach this node. */
  addresses(): readonly string[]
}

/** The rules of scaling while this peer leads. `ownSlots`: number of its own encodes at once. */
export const scalingOf = (config: Config, ownSlots: number): ScaleOptions => ({
  min: config.scale_min,
  max: mostWorkers(config),
  target_s: config.scale_target_s,
  cooldown_s: config.scale_cooldown_s,
  own_slots: ownSlots,
})

const mostWorkers = (config: Config): number => Math.max(config.scale_min, config.scale_max)

/** Throws a `UsageError` where started workers could not open the ledger: a container does not reach a SQLite file of this machine. */
export function mustReachFleet(config: Config): void {
  if (config.launcher !== 'docker' || !ledgerAddress(config).startsWith('sqlite:')) return
  throw new UsageError(
    'launcher docker starts workers in containers, which cannot reach the SQLite ledger of this machine; give --ledger mongodb://…, or --launcher process for workers on this machine',
  )
}

/** The reconciler of this peer's engine, not yet started; null where its configuration names no launcher. */
export function createFleet(config: Config, parts: FleetParts): Reconciler | null {
  const { self, ledger, peers, clock, rng, log, emit, hints, swarmKey, addresses, createLauncher } = parts
  const choice = launcherChoice(config, { self, ledger: ledger.description, swarmKey })
  if (choice === null) return null
  return createReconciler({
    self,
    ledger,
    launcher: createLauncher(choice, clock),
    peers,
    clock,
    rng,
    log,
    emit,
    hints,
    max: mostWorkers(config),
    spec: (name, reason) => specOf(config, { name, reason, addresses: addresses() }),
  })
}

interface NodeFacts {
  readonly self: PeerId
  /** The ledger's description. */
  readonly ledger: string
  readonly swarmKey: string | undefined
}

function launcherChoice(config: Config, node: NodeFacts): LauncherChoice | null {
  switch (config.launcher) {
    case 'none':
      return null
    case 'process':
      return {
        kind: 'process',
        // Processes end with the node that started them, so no other one can own them: not on this machine, nor on one of the same name.
        engine: `node ${node.self.slice(-8)} on ${hostname()}`,
        dir: join(config.data_dir, 'fleet'),
        command: [process.execPath, process.argv[1] ?? '', 'node', '--parent-channel'],
      }
    case 'docker':
      return {
        kind: 'docker',
        mesh: meshName(node.ledger, node.swarmKey),
        socket: config.docker,
        image: config.scale_image,
        networks: config.scale_network,
        volumes: config.scale_volumes,
        shared: sharedSettings(config.shared),
        labels: Object.fromEntries(config.scale_labels.map((label) => label.split(/=(.*)/s, 2))),
      }
  }
}

/**
 * A name of 16 hex digits: the same for all peers of a mesh, another for another mesh on the same engine; reveals nothing of the key.
 * Of a MongoDB ledger only the database counts, as peers may name different members of one replica set.
 */
function meshName(description: string, swarmKey: string | undefined): string {
  const ledger = / database (\S+)$/.exec(description)?.[1] ?? description
  return createHash('sha256')
    .update(`${ledger}\n${swarmKey ?? ''}`)
    .digest('hex')
    .slice(0, 16)
}

/** The specification of a started worker. It takes all renditions: one ffmpeg decodes a chunk once for all of them. */
export function specOf(
  config: Config,
  worker: { name: string; reason: string; addresses: readonly string[] },
): WorkerSpec {
  const environment = {
    ...meshSettings(config, worker),
    ...machineSettings(config),
    ...(config.launcher === 'process' && localSettings(config)),
  }
  const limits = { cpus: config.scale_cpus, memory_mb: config.scale_memory_mb }
  return { name: worker.name, rendition: 'all', reason: worker.reason, environment, limits }
}

/** Settings of every started worker: its name, how it joins the mesh, and the limits of an encode. */
const meshSettings = (config: Config, worker: { name: string; addresses: readonly string[] }) => ({
  REELMESH_NAME: worker.name,
  REELMESH_ROLES: 'worker',
  REELMESH_SLOTS: '1',
  REELMESH_RENDITIONS: 'all',
  // Whoever may ask the engine sees the variables of a container.
  ...(config.ledger_file === undefined
    ? { REELMESH_LEDGER: ledgerAddress(config) }
    : { REELMESH_LEDGER_FILE: config.ledger_file }),
  REELMESH_JOIN: [...worker.addresses, ...config.join].join(','),
  REELMESH_MDNS: String(config.mdns),
  REELMESH_FFMPEG_STALL_MS: String(config.ffmpeg_stall_ms),
  REELMESH_FFMPEG_MEMORY_MB: String(config.ffmpeg_memory_mb),
  REELMESH_BULK_PORT: config.bulk_port,
  REELMESH_SANDBOX: config.sandbox,
  REELMESH_LOG_LEVEL: config.log_level,
  ...(config.swarm_key && { REELMESH_SWARM_KEY: config.swarm_key }),
  ...(config.open_mesh && { REELMESH_OPEN_MESH: 'true' }),
})

/** The name of this machine, for workers that run on it. An engine behind TCP runs on another one, which its kernel identifies. */
function machineSettings(config: Config): Record<string, string> {
  const isHere = config.launcher === 'process' || /^(?:unix:\/)?\//.test(config.docker)
  return config.machine && isHere ? { REELMESH_MACHINE: config.machine } : {}
}

/** Settings that a process of this machine shares with this node. */
const localSettings = (config: Config) => ({
  REELMESH_LISTEN: '/ip4/127.0.0.1/tcp/0',
  REELMESH_SELF_TEST_DIR: selfTestDir(config),
  REELMESH_FFMPEG: config.ffmpeg,
  REELMESH_FFPROBE: config.ffprobe,
  ...(config.shared.length > 0 && { REELMESH_SHARED: config.shared.join(',') }),
})
