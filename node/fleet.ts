/**
 * The fleet of a node: what its configuration says about workers that the mesh starts and stops by itself, put into the words of the
 * launcher, the reconciler and the leader's scaling.
 */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ScaleOptions } from '../coordinator/duty.ts'
import { createReconciler, type Reconciler, type ReconcilerOptions } from '../fleet/reconcile.ts'
import type { Clock } from '../protocol/clock.ts'
import { UsageError } from '../protocol/errors.ts'
import { RESOLUTIONS } from '../protocol/ids.ts'
import type { Launcher, WorkerSpec } from '../protocol/launcher.ts'
import { type Config, ledgerAddress, proofDir } from './config.ts'

/** What a launcher is made of: an engine and what its containers get, or a command to run as processes here. */
export type LauncherChoice =
  | {
      readonly kind: 'docker'
      readonly clock: Clock
      readonly mesh: string
      readonly socket: string
      readonly image: string
      readonly network: string | null
      readonly volumes: readonly string[]
      readonly labels: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'process'
      readonly clock: Clock
      readonly engine: string
      readonly dir: string
      readonly command: readonly [program: string, ...args: string[]]
    }

export interface FleetParts extends Omit<ReconcilerOptions, 'launcher' | 'max' | 'spec'> {
  readonly swarmKey: string | undefined
  createLauncher(options: LauncherChoice): Launcher
  addresses(): readonly string[]
}

/** What the leader may want, were this peer to lead. */
export const scalingOf = (config: Config, ownSlots: number): ScaleOptions => ({
  min: config.scale_min,
  max: Math.max(config.scale_min, config.scale_max),
  target_s: config.scale_target_s,
  cooldown_s: config.scale_cooldown_s,
  own_slots: ownSlots,
})

/** Refuses workers that could not open the ledger: a SQLite file is this host's, and a container is another one. */
export function mustReachFleet(config: Config): void {
  if (config.launcher !== 'docker' || !ledgerAddress(config).startsWith('sqlite:')) return
  throw new UsageError(
    'launcher docker starts workers in containers, which cannot reach the SQLite ledger of this host; give --ledger mongodb://…, or --launcher process for workers on this host',
  )
}

/** Null where this peer reaches no engine. */
export function createFleet(config: Config, parts: FleetParts): Reconciler | null {
  const options = launcherOf(config, parts)
  if (options === null) return null
  return createReconciler({
    ...parts,
    launcher: parts.createLauncher(options),
    max: Math.max(config.scale_min, config.scale_max),
    spec: (name, reason) => specOf(config, { name, reason, addresses: parts.addresses() }),
  })
}

function launcherOf(config: Config, { self, clock, ledger, swarmKey }: FleetParts): LauncherChoice | null {
  if (config.launcher === 'none') return null
  if (config.launcher === 'process') {
    const command = [process.execPath, process.argv[1] ?? '', 'node', '--parent-channel'] as const
    return {
      kind: 'process',
      clock,
      // Processes end with the node that started them: no other can keep them, not on this host, nor on one of the same name.
      engine: `node ${self.slice(-8)} on ${hostname()}`,
      dir: join(config.data_dir, 'fleet'),
      command,
    }
  }
  return {
    kind: 'docker',
    clock,
    mesh: meshName(ledger.description, swarmKey),
    socket: config.docker,
    image: config.scale_image,
    network: config.scale_network ?? null,
    volumes: config.scale_volumes,
    labels: Object.fromEntries(config.scale_labels.map((label) => label.split(/=(.*)/s, 2))),
  }
}

/**
 * The same for all peers of a mesh, another for another mesh on the same engine; gives nothing of the key away. Peers may name
 * other members of one replica set: of a MongoDB ledger only the database counts.
 */
export function meshName(description: string, swarmKey: string | undefined): string {
  const ledger = / database (\S+)$/.exec(description)?.[1] ?? description
  return createHash('sha256')
    .update(`${ledger}\n${swarmKey ?? ''}`)
    .digest('hex')
    .slice(0, 16)
}

/** A worker takes all rungs: one ffmpeg decodes a chunk once for the three. */
export function specOf(
  config: Config,
  worker: { name: string; reason: string; addresses: readonly string[] },
): WorkerSpec {
  const shared = {
    REELMESH_NAME: worker.name,
    REELMESH_ROLES: 'worker',
    REELMESH_SLOTS: '1',
    REELMESH_RENDITIONS: RESOLUTIONS.join(','),
    REELMESH_LEDGER: ledgerAddress(config),
    REELMESH_JOIN: [...worker.addresses, ...config.join].join(','),
    REELMESH_MDNS: String(config.mdns),
    REELMESH_FFMPEG_STALL_MS: String(config.ffmpeg_stall_ms),
    REELMESH_FFMPEG_MEMORY_MB: String(config.ffmpeg_memory_mb),
    REELMESH_LOG_LEVEL: config.log_level,
    ...(config.swarm_key && { REELMESH_SWARM_KEY: config.swarm_key }),
    ...(config.open_mesh && { REELMESH_OPEN_MESH: 'true' }),
  }
  const local = {
    REELMESH_LISTEN: '/ip4/127.0.0.1/tcp/0',
    REELMESH_PROOF_DIR: proofDir(config),
    REELMESH_FFMPEG: config.ffmpeg,
    REELMESH_FFPROBE: config.ffprobe,
  }
  // Beyond a socket of this machine it is the kernel of the engine's that tells.
  const isHere = config.launcher === 'process' || /^(?:unix:\/)?\//.test(config.docker)
  const machine = config.machine && isHere ? { REELMESH_MACHINE: config.machine } : {}
  const environment = { ...shared, ...machine, ...(config.launcher === 'process' && local) }
  const limits = { cpus: config.scale_cpus, memory_mb: config.scale_memory_mb }
  return { name: worker.name, rendition: 'all', reason: worker.reason, environment, limits }
}
