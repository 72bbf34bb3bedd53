/**
 * The launcher: what starts, stops and lists workers on one engine. Adapters: `fleet/launcher/docker-launcher.ts` and
 * `fleet/launcher/process-launcher.ts`; both pass `conformance/launcher.ts`.
 *
 * Promises
 * - A launcher sees the workers of its own mesh, whoever started them, and no others.
 * - `start` of a name that is there already answers that worker: an answer that was lost may be asked for again.
 * - What ended stays in the list, with how, until it is stopped: a launcher never starts anything again by itself.
 * - `stop` ends gracefully (SIGTERM, then SIGKILL after `STOP_GRACE_MS`) and leaves nothing; of what is gone it is harmless.
 * - An engine that does not answer is `EngineAway`: a state to tell, and to ask again later.
 */
import { ReelmeshError } from './errors.ts'
import type { RenditionId } from './rendition.ts'

export interface WorkerSpec {
  /** Unique in the mesh: letters, digits and hyphens. What people see the peer as. */
  readonly name: string
  /** What it encodes. */
  readonly rendition: RenditionId | 'all'
  /** Why it is started: kept as a label. */
  readonly reason: string
  /** `REELMESH_*` and what else its node needs. */
  readonly environment: Readonly<Record<string, string>>
  readonly limits: { readonly cpus: number; readonly memory_mb: number }
}

export interface LaunchedWorker {
  /** The engine's own name for it. */
  readonly id: string
  readonly name: string
  readonly rendition: string
  readonly reason: string
  readonly state: 'running' | 'ended'
  /** How long it ran, ms; null while it runs: an engine's clock and that of who asks may be minutes apart. */
  readonly life_ms: number | null
  /** How it ended, in words, with the last of its own where it failed; null while it runs. */
  readonly how: string | null
}

export interface Launcher {
  /** The engine's own id: the same whoever asks, and for as long as the engine is installed. */
  engine(): Promise<string>
  start(spec: WorkerSpec): Promise<LaunchedWorker>
  stop(id: string): Promise<void>
  list(): Promise<LaunchedWorker[]>
  /** Lets go of the engine. Containers go on; processes end, as nothing outlives its parent. Idempotent. */
  close(): Promise<void>
}

const LAST_WORDS_MAX = 300

/** How a worker ended: its exit code, and the sentence with which a node says why. `stderr`: the end of what it wrote there. */
export function exitText(code: number | string, stderr: string): string {
  const last = stderr.trimEnd().split('\n').at(-1)?.trim() ?? ''
  const words = last.startsWith('{') ? '' : last.replace(/^reelmesh: /, '').slice(0, LAST_WORDS_MAX)
  return words === '' || code === 0 ? `exit code ${code}` : `exit code ${code}: ${words}`
}

/** Names of launched workers begin so: by this a leader tells them from those that people started. */
export const LAUNCHED_PREFIX = 'auto-'
/** Between SIGTERM and SIGKILL. */
export const STOP_GRACE_MS = 15_000

/** The engine did not answer, or may not be asked. The message says what to do. */
export class EngineAway extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('engine_away', message, { retryable: true, cause })
    this.name = 'EngineAway'
  }
}

/** The engine answered, and would not: no such image, network or volume, or limits it cannot give. */
export class LaunchRefused extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('launch_refused', message, { retryable: true, cause })
    this.name = 'LaunchRefused'
  }
}
