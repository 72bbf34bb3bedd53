/**
 * The launcher: starts, stops and lists workers on one engine. Adapters: `fleet/launcher/docker-launcher.ts` and
 * `fleet/launcher/process-launcher.ts`; both pass `conformance/launcher.ts`.
 *
 * Promises
 * - A launcher sees the workers of its own mesh, whoever started them, and no others.
 * - `start` of a name that is there already answers that worker: a start whose answer was lost may be repeated.
 * - A worker that ended stays in the list, with how it ended, until it is stopped: a launcher restarts nothing by itself.
 * - `stop` ends a worker (SIGTERM, then SIGKILL after `STOP_GRACE_MS`) and leaves nothing of it; for one that is gone it is harmless.
 * - Every call rejects with `EngineUnavailable` where the engine does not answer: a state to report, and to try again later. Where it answers
 *   and refuses, the call rejects with `LaunchRefused`.
 */
import { ReelmeshError } from './errors.ts'
import type { RenditionId } from './rendition.ts'

/** A worker to start. */
export interface WorkerSpec {
  /** Unique in the mesh: letters, digits and hyphens. Its peer has this name in `status`. */
  readonly name: string
  /** The only rendition that it encodes, or all. */
  readonly rendition: RenditionId | 'all'
  /** Why it is started; stored as a label of the container. */
  readonly reason: string
  /** `REELMESH_*` and other variables that its node needs. */
  readonly environment: Readonly<Record<string, string>>
  readonly limits: { readonly cpus: number; readonly memory_mb: number }
}

/** A started worker, as its engine sees it. */
export interface LaunchedWorker {
  /** The engine's own name for it. */
  readonly id: string
  readonly name: string
  readonly rendition: string
  readonly reason: string
  readonly state: 'running' | 'ended'
  /** How long it ran, ms; null while it runs: the clocks of the engine and of this machine may be minutes apart. */
  readonly life_ms: number | null
  /** How it ended, in words, with the last line that it wrote to standard error where it failed; null while it runs. */
  readonly how: string | null
}

/** Starts, stops and lists workers on one engine. Every method rejects with `EngineUnavailable` or `LaunchRefused`: see the promises above. */
export interface Launcher {
  /** The engine's own id: equal for every peer that asks, until the engine is reinstalled. */
  engine(): Promise<string>
  start(spec: WorkerSpec): Promise<LaunchedWorker>
  stop(id: string): Promise<void>
  list(): Promise<LaunchedWorker[]>
  /** Closes the connection to the engine. Containers go on; processes end, as none outlives its parent. Idempotent. */
  close(): Promise<void>
}

const STDERR_TAIL_MAX = 300

/**
 * How a worker ended, in words: its exit code (`none` where a signal ended it) and the reason that its node printed.
 * `stderr`: the end of the worker's stderr.
 */
export function exitText(code: number | string, stderr: string): string {
  const last = stderr.trimEnd().split('\n').at(-1)?.trim() ?? ''
  const words = last.startsWith('{') ? '' : last.replace(/^reelmesh: /, '').slice(0, STDERR_TAIL_MAX)
  return words === '' || code === 0 ? `exit code ${code}` : `exit code ${code}: ${words}`
}

/** Prefix of the names of started workers: by it the leader distinguishes them from static ones. */
export const LAUNCHED_PREFIX = 'auto-'
/** Time between SIGTERM and SIGKILL: the worker stops its ffmpeg and releases its claims first. */
export const STOP_GRACE_MS = 15_000

/** The engine did not answer, or this user may not open its socket. The message says what to do. */
export class EngineUnavailable extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('engine_away', message, { retryable: true, cause })
    this.name = 'EngineUnavailable'
  }
}

/** The engine answered and refused: it has no such image, network or volume, or cannot give the limits. */
export class LaunchRefused extends ReelmeshError {
  constructor(message: string, cause?: unknown) {
    super('launch_refused', message, { retryable: true, cause })
    this.name = 'LaunchRefused'
  }
}
