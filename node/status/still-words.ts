/** What the sentences about still videos are made of: the facts, the codes, and the phrases that several of them share. Pure. */
import type { Capability } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { takesWork } from '../../protocol/peer-table.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { type NamedPeer, nameOf } from './sentences.ts'

/** A peer as its last heartbeat shows it. */
export interface PeerFacts extends NamedPeer, Pick<Heartbeat, 'state' | 'roles' | 'slots' | 'busy' | 'running'>, Capability {
  /** Whether blobs can be had from it, and it can be counted on. */
  readonly isPresent: boolean
  /** Ids of the shared folders that it sees. */
  readonly shared: readonly string[]
  /** Seconds since its last heartbeat. */
  readonly heard_s: number
} // biome-ignore format: one line

/** What is known of a video that makes no progress, and of the mesh. */
export interface StillFacts {
  readonly video: Pick<Video, '_id' | 'name' | 'status' | 'source' | 'deliveries' | 'outputs'>
  /** Ledger time, ms. */
  readonly now: number
  /** Ms without progress. */
  readonly stillMs: number
  /** Ms since this peer last saw something missing; `Infinity` where it saw nothing. */
  readonly freeMs: number
  readonly leader: PeerId | null
  readonly peers: readonly PeerFacts[]
  /** Peers from which blobs can be had, known by a heartbeat or only by a connection. */
  readonly reachable: readonly PeerId[]
  /** Its PENDING and PROCESSING tasks, the first ones by rank, and a COMPLETED merge; null where they were not read. */
  readonly open: readonly Task[] | null
  /** Results that wait for an audit that nobody runs now. */
  readonly unaudited: readonly Task[]
  /** Tasks whose COMPLETED outputs no reachable peer holds, while it is MERGING. */
  readonly withoutOutput: readonly Task[]
  /** Attempts that wait for their input or for other tasks. */
  readonly waiting: ReadonlySet<TaskId>
  /** Number of open videos that come first. */
  readonly ahead: number
  /** Longest time between two looks of the leader at a video, ms. */
  readonly looksMs: number
  /** Why its delivery fails, in a sentence. */
  readonly problem: string | undefined
  /** What is wrong with shared folders, in sentences. */
  readonly sharedProblems: StatusSnapshot['problems']
}

/** The reason: its code, the peers that are missing, and the sentence. */
export type Stillness = Pick<StillRow, 'code' | 'peers' | 'text'>

/** A reason. */
export const reason = (code: Stillness['code'], text: string, peers: readonly PeerId[] = []): Stillness => ({
  code,
  peers,
  text,
})

/** Only absent peers hold something. `then`: what the mesh does about it. */
export function absent(
  { peers }: Pick<StillFacts, 'peers'>,
  code: Stillness['code'],
  holders: readonly PeerId[],
  what: string,
  then?: string,
): Stillness {
  if (holders.length === 0)
    return reason(code, `no peer has ${what} any more${then ? `: ${then}` : ': submit the file again'}`)
  const who = holders.map((peer) => silentPeer(peer, peers)).join(' and ')
  const has = holders.length === 1 ? 'it alone has' : 'only they have'
  const help = then ?? `start ${holders.length === 1 ? 'it' : 'one of them'} again or give this mesh a shared folder`
  return reason(code, `waits for ${who}: ${has} ${what}; ${help}`, holders)
}

/** Present peers that see this shared folder. */
export const seers = (peers: readonly PeerFacts[], folder: string | undefined): PeerFacts[] =>
  peers.filter(({ isPresent, shared }) => isPresent && folder !== undefined && shared.includes(folder))

/** Present peers with the coordinator role. */
export const coordinatorsOf = (peers: readonly PeerFacts[]): PeerFacts[] =>
  peers.filter(({ isPresent, roles }) => isPresent && roles.includes('coordinator'))

/** No present peer may lead. */
export const noCoordinator = (): Stillness =>
  reason('no_leader', 'no present peer has the coordinator role: start a node with `--roles worker,coordinator`')

/** Peers that could, and say why they do not. */
export function refusing(able: readonly PeerFacts[], what: string): Stillness {
  const each = able.map(({ name, peer, state }) => `${name || peer.slice(-8)} is ${REFUSALS[state] ?? state}`)
  const text = `no peer takes this work now: ${each.slice(0, 4).join(', ')}${each.length > 4 ? ` and ${each.length - 4} more` : ''}`
  return reason('no_peer_takes_work', `${text}; each could ${what}`, able.map(({ peer }) => peer)) // biome-ignore format: one line
}

const REFUSALS: Partial<Record<Heartbeat['state'], string>> = {
  paused: 'paused (`reelmesh resume`)',
  draining: 'draining',
  disk_full: 'out of disk space (make room)',
  self_test_failed: 'failing its self-test (`reelmesh doctor` there)',
  quarantined: 'quarantined (`reelmesh resume` ends it)',
  ledger_away: 'cut off from the ledger',
}

/** Whether a reachable peer holds the blob. */
export const isHeld = ({ holders }: { readonly holders: readonly PeerId[] }, reachable: readonly PeerId[]): boolean =>
  holders.some((peer) => reachable.includes(peer))

/** Whether the peer takes tasks, by its heartbeat. */
export const takes = (peer: PeerFacts): boolean => takesWork(peer)

/** The names of some peers: `a`, `a and b`, or `a, b, c and 2 more`. */
export function namesOf(some: readonly PeerFacts[]): string {
  const names = some.map(({ name, peer }) => name || peer.slice(-8))
  if (names.length > 4) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : `${names[0]}`
}

/** A peer that is missing, and for how long it has been silent. */
export function silentPeer(id: PeerId, peers: readonly PeerFacts[]): string {
  const known = peers.find(({ peer }) => peer === id)
  if (!known) return `peer ${id.slice(-8)}, not heard since this node started`
  if (known.state === 'leaving') return `${nameOf(id, peers)}, which was stopped`
  return `${nameOf(id, peers)}, silent for ${durationOf(known.heard_s)}`
}

/** A length of time in words. */
export const durationOf = (s: number): string =>
  s < 120 ? `${Math.round(s)} s` : s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`
