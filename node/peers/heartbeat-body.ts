/** The content of this node's heartbeats: its identity, its capability, and its state now. */
import { availableParallelism, loadavg } from 'node:os'
import type { Capability } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { SHARED_PROBLEM_TEXT_MAX, SHARED_PROBLEMS_MAX, type SharedFolders } from '../../protocol/shared-folder.ts'
import type { AdmissionGate } from '../admission.ts'
import type { SharedSources } from '../videos/shared-sources.ts'
import type { Attempts } from '../worker/attempts.ts'
import type { HeartbeatBody } from './heartbeat.ts'
import type { OwnSpeeds } from './own-speeds.ts'

/** The fields that are equal in all heartbeats of this process. */
export interface HeartbeatBodyOptions {
  readonly identity: Pick<Heartbeat, 'version' | 'host' | 'name' | 'roles' | 'ffmpeg'>
  readonly capability: Capability
  readonly slots: number
}

/** Where this node serves pages and packages; null where it does not. */
export interface Listener {
  /** An address such as `http://127.0.0.1:8080`, for its callers, who may need a token. */
  own: string | null
  /** An address as heartbeats have it, for every page on this machine; null also where a token is needed. */
  forAll: string | null
}

/** The parts whose state a heartbeat shows. */
export interface HeartbeatBodyModules {
  readonly attempts: Pick<Attempts, 'busySlots' | 'running'>
  readonly admission: Pick<AdmissionGate, 'state'>
  readonly folders: Pick<SharedFolders, 'seen'>
  readonly sharedSources: Pick<SharedSources, 'problems'>
  readonly ownSpeeds: OwnSpeeds
  readonly listener: Pick<Listener, 'forAll'>
}

/** The content of a heartbeat now. */
export function heartbeatBody(options: HeartbeatBodyOptions, modules: HeartbeatBodyModules): HeartbeatBody {
  const { identity, capability, slots } = options
  const { attempts, admission } = modules
  const shared = modules.folders.seen()
  const running = attempts.running()
  const speeds = modules.ownSpeeds.measure(running)
  const { forAll } = modules.listener
  const problems = modules.sharedSources.problems().slice(0, SHARED_PROBLEMS_MAX)
  return {
    ...identity,
    roles: [...identity.roles],
    decoders: [...capability.decoders],
    filters: [...capability.filters],
    encoders: [...capability.encoders],
    renditions: capability.renditions === 'all' ? 'all' : [...capability.renditions],
    kinds: [...capability.kinds],
    slots,
    busy: attempts.busySlots(),
    load: loadNow(),
    state: admission.state(),
    running: [...running],
    ...(Object.keys(speeds).length > 0 && { speeds }),
    ...(forAll !== null && { http: forAll }),
    ...(shared.length > 0 && { shared: [...shared] }),
    ...(problems.length > 0 && {
      shared_problems: problems.map(({ video, text }) => ({ video, text: text.slice(0, SHARED_PROBLEM_TEXT_MAX) })),
    }),
  }
}

const CORES = availableParallelism()
/** One-minute load ÷ cores. */
const loadNow = (): number => Math.round(((loadavg()[0] ?? 0) / CORES) * 100) / 100
