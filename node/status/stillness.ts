/**
 * Why a video makes no progress, as one sentence: who or what is missing, since when, and what would help. Pure: facts in, reason out.
 * `waiting.ts` gathers the facts, and decides from when on a video counts as still.
 */
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'
import { describeTask, type Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import { missingText } from './missing-capability.ts'
import { type NamedPeer, nameOf, waitingText } from './sentences.ts'

/** A peer as its last heartbeat shows it. */
export interface PeerFacts extends NamedPeer, Pick<Heartbeat, 'state' | 'roles' | 'slots' | 'busy'>, Capability {
  /** Whether blobs can be had from it, and it can be counted on. */
  readonly isPresent: boolean
  /** Ids of the shared folders that it sees. */
  readonly shared: readonly string[]
  /** Seconds since its last heartbeat. */
  readonly heard_s: number
}

/** What is known of a video that makes no progress, and of the mesh. */
export interface StillFacts {
  readonly video: Pick<Video, '_id' | 'name' | 'status' | 'source' | 'deliveries'>
  /** Ledger time, ms. */
  readonly now: number
  readonly leader: PeerId | null
  readonly peers: readonly PeerFacts[]
  /** Peers from which blobs can be had, known by a heartbeat or only by a connection. */
  readonly reachable: readonly PeerId[]
  /** Its PENDING and PROCESSING tasks, the first ones by rank, and a COMPLETED merge. */
  readonly open: readonly Task[]
  /** Tasks whose COMPLETED outputs no reachable peer holds, while it is MERGING. */
  readonly withoutOutput: readonly Task[]
  /** Attempts that wait for their input or for other tasks. */
  readonly waiting: ReadonlySet<TaskId>
  /** Number of open videos that come first. */
  readonly ahead: number
  /** Why its delivery fails, in a sentence. */
  readonly problem: string | undefined
  /** What is wrong with shared folders, in sentences. */
  readonly sharedProblems: StatusSnapshot['problems']
}

/** The reason: its code, the peers that are missing, and the sentence. */
export type Stillness = Pick<StillRow, 'code' | 'peers' | 'text'>

const reason = (code: Stillness['code'], text: string, peers: readonly PeerId[] = []): Stillness => ({
  code,
  peers,
  text,
})

/** Why the video makes no progress. `unknown`: nothing stands in its way that is seen here. */
export function stillnessOf(facts: StillFacts): Stillness {
  const { status } = facts.video
  if (status === 'COMPLETED') return ofDelivery(facts)
  if (status === 'MERGING') return ofMerge(facts)
  const creator = facts.open.find(({ kind }) => kindFacts(kind).createsTasks)
  if (status === 'RUNNING')
    return ofEncodes(facts) ?? (creator ? ofIngest(facts, creator) : ofNextStep(facts, 'merged'))
  return creator ? ofIngest(facts, creator) : ofNextStep(facts, 'planned')
}

const BEGINS = 'the delivery is about to begin'

function ofDelivery({ video, reachable, peers, problem }: StillFacts): Stillness {
  const open = video.deliveries.find(({ done_at }) => done_at === null)
  if (open?.shared) {
    const { folder } = open.shared
    if (seers(peers, folder).length > 0) return reason(problem ? 'delivery_failed' : 'unknown', problem ?? BEGINS)
    const text = `waits for ${silentPeer(open.peer, peers)}, or another peer that sees the shared folder of ${open.dir}`
    return reason('delivery_absent', `${text}; start it again`, [open.peer])
  }
  if (open && !reachable.includes(open.peer))
    return reason(
      'delivery_absent',
      `waits for ${silentPeer(open.peer, peers)}: only it delivers to ${open.dir}; start it again`,
      [open.peer],
    )
  if (problem) return reason('delivery_failed', problem, open ? [open.peer] : [])
  return reason('unknown', BEGINS, open ? [open.peer] : [])
}

function ofIngest(facts: StillFacts, task: Task): Stillness {
  const { video, peers, reachable, ahead } = facts
  if (task.status === 'PROCESSING') return ofAttempt(facts, task)
  if (!isHeld(video.source, reachable))
    return ofSharedSource(facts) ?? absent(facts, 'source_absent', video.source.holders, 'the source')
  const failed = ofFailure(facts, task)
  if (failed) return failed
  const able = peers.filter(({ isPresent, roles }) => isPresent && roles.includes('coordinator'))
  if (able.length === 0) return noCoordinator()
  if (!able.some(takes)) return refusing(able, 'read the source')
  if (ahead > 0) return reason('queued', `waits behind ${ahead} other video${ahead === 1 ? '' : 's'}`)
  return ofNextStep(facts, 'read')
}

/** A source in a shared folder that nobody here holds; null where a peer has it that is absent, and the folder is seen by none. */
function ofSharedSource({ video, peers, sharedProblems }: StillFacts): Stillness | null {
  const { shared: place, holders } = video.source
  const seeing = seers(peers, place?.folder)
  const own = sharedProblems.filter((each) => each.video === video._id)
  const reader = seeing.find(({ peer }) => !own.some((each) => each.peers.includes(peer)))
  if (reader)
    return reason('working', `${reader.name} sees the source in a shared folder, and hashes it before it reads it`)
  if (!place || (holders.length > 0 && own.length === 0)) return null
  const why = own.length > 0 ? own : sharedProblems.filter((each) => each.video === null)
  const text = why.length > 0 ? why.map((each) => each.text).join('; ') : 'mount it on one of them'
  const what =
    own.length > 0 ? 'no present peer has the source' : 'no present peer sees the shared folder of the source'
  return reason('source_absent', `${what}: ${text}`, [...new Set(why.flatMap((each) => each.peers))])
}

/** Null: no encode is open. */
function ofEncodes(facts: StillFacts): Stillness | null {
  const { open, now, reachable, video } = facts
  const encodes = open.filter(({ kind }) => kindFacts(kind).slots === 'encode')
  const running = encodes.filter(({ status }) => status === 'PROCESSING')
  const atWork = running.find((task) => task.claims.some(({ worker_id }) => reachable.includes(worker_id)))
  if (atWork) return ofAttempt(facts, atWork)
  const pending = encodes.filter(({ status }) => status === 'PENDING')
  const there = pending.filter(({ input }) => input === null || isHeld(input, reachable))
  const ready = there.find(({ not_before }) => not_before <= now)
  if (ready) return ofReady(facts, ready)
  const [delayed] = there
  if (delayed) return ofFailure(facts, delayed) ?? ofNextStep(facts, 'encoded')
  const lost = pending.find(({ input }) => input !== null)
  if (lost?.input) {
    const { holders } = lost.input
    if (isHeld(video.source, reachable))
      return absent(facts, 'input_absent', holders, `${describeTask(lost)}`, 'it is cut again within seconds')
    const gone = ofSharedSource(facts)
    if (gone) return gone
    const what = holders.some((peer) => video.source.holders.includes(peer))
      ? 'the source and the chunks that were cut'
      : 'the next chunk, and nobody here has the source'
    return absent(facts, 'source_absent', holders.length > 0 ? holders : video.source.holders, what)
  }
  return running[0] ? ofAttempt(facts, running[0]) : null
}

/** A task that may be claimed now. */
function ofReady(facts: StillFacts, task: Task): Stillness {
  const { peers, ahead } = facts
  const workers = peers.filter(({ slots }) => slots > 0)
  const present = workers.filter(({ isPresent }) => isPresent)
  const can = (each: PeerFacts) => canDo(each, task.class) && !task.not_by.includes(each.peer)
  const able = present.filter(can)
  if (able.length === 0) {
    const others = workers.filter((each) => !each.isPresent && can(each)).map(({ peer }) => peer)
    const back = others.length > 0 ? `; start ${others.map((peer) => silentPeer(peer, peers)).join(', ')} again` : ''
    const barred = present.filter((each) => canDo(each, task.class)).map(({ peer }) => nameOf(peer, peers))
    const why = barred.length > 0 ? `it needs another peer than ${barred.join(', ')}` : missingText(present, task.class)
    return reason('no_capable_peer', `${describeTask(task)}: ${why}${back}`, others)
  }
  const takers = able.filter(takes)
  if (takers.length === 0) return refusing(able, `encode ${describeTask(task)}`)
  if (takers.every(({ busy, slots }) => busy >= slots))
    return reason(
      'queued',
      `waits for a free worker: ${takers.length === 1 ? `${takers[0]?.name} is` : `all ${takers.length} that can encode it are`} busy${ahead > 0 ? `, and ${ahead} other video${ahead === 1 ? ' comes' : 's come'} first` : ''}`,
    )
  return ofFailure(facts, task) ?? ofNextStep(facts, 'encoded')
}

function ofMerge(facts: StillFacts): Stillness {
  const { open, withoutOutput, peers, leader } = facts
  const merge = open.find(({ kind }) => kindFacts(kind).outputs === 'results')
  if (merge?.status === 'PROCESSING') return ofAttempt(facts, merge)
  if (merge?.status === 'COMPLETED')
    return reason('replica_wanted', 'the results wait until a second machine has a replica, 5 minutes at most')
  const encodes = ofEncodes(facts)
  if (encodes) return encodes
  const [lost] = withoutOutput
  if (lost?.output) {
    const what = `${describeTask(lost)}${withoutOutput.length > 1 ? ` and ${withoutOutput.length - 1} more` : ''}`
    return absent(facts, 'result_absent', lost.output.holders, what, 'it is encoded again after 30 s')
  }
  const failed = merge && ofFailure(facts, merge)
  if (failed) return failed
  const leads = peers.find(({ peer }) => peer === leader)
  if (leads?.isPresent && !takes(leads)) return refusing([leads], 'merge it')
  return ofNextStep(facts, 'merged')
}

/** What the leader or the next free slot does at once; where nobody leads, that is the reason. */
function ofNextStep({ leader, peers }: StillFacts, done: string): Stillness {
  if (leader === null) {
    const coordinators = peers.filter(({ isPresent, roles }) => isPresent && roles.includes('coordinator'))
    if (coordinators.length === 0) return noCoordinator()
    if (!coordinators.some(takes)) return refusing(coordinators, 'lead')
    return reason('no_leader', 'no peer leads: another coordinator takes over within seconds')
  }
  return reason(
    'unknown',
    `nothing that ${nameOf(leader, peers)} could see stands in its way: it is about to be ${done}`,
  )
}

/** A claimed task whose attempt does not advance. */
function ofAttempt({ reachable, peers, waiting, now }: StillFacts, task: Task): Stillness {
  const worker = task.claims.at(-1)?.worker_id ?? task.worker_id
  const what = describeTask(task)
  if (worker === null) return reason('unknown', `${what} is about to be claimed`)
  if (!reachable.includes(worker)) {
    const left = Math.max(0, Math.ceil((task.claimable_at - now) / 1000))
    return reason('worker_absent', `waits for ${silentPeer(worker, peers)}, which has ${what}: it runs elsewhere in ${left} s at the latest`, [worker]) // biome-ignore format: one sentence
  }
  const name = nameOf(worker, peers)
  if (kindFacts(task.kind).createsTasks) return reason('working', `${name} reads and cuts the source`, [])
  if (waiting.has(task._id)) return reason('input_slow', `${what} waits for its input, which ${name} fetches`, [worker])
  return reason('working', `${name} has ${what}: ffmpeg is stopped after 2 minutes without progress`, [])
}

/** A task that failed: when it is tried again; null where it has not failed, or may be claimed now. */
function ofFailure({ now, peers }: StillFacts, task: Task): Stillness | null {
  const last = task.failures.at(-1)
  if (!last || (task.not_before <= now && task.strikes.length === 0)) return null
  const of = { what: describeTask(task), worker: last.worker_id, reason: last.message, inMs: task.not_before - now }
  return reason('retry', waitingText(of, peers), [])
}

/** Only absent peers hold something. */
function absent(
  { peers }: StillFacts,
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
const seers = (peers: readonly PeerFacts[], folder: string | undefined): PeerFacts[] =>
  peers.filter(({ isPresent, shared }) => isPresent && folder !== undefined && shared.includes(folder))

const noCoordinator = (): Stillness =>
  reason('no_leader', 'no present peer has the coordinator role: start a node with `--roles worker,coordinator`')

/** Peers that could, and say why they do not. */
function refusing(able: readonly PeerFacts[], what: string): Stillness {
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

const isHeld = ({ holders }: { readonly holders: readonly PeerId[] }, reachable: readonly PeerId[]): boolean =>
  holders.some((peer) => reachable.includes(peer))

const takes = ({ state }: PeerFacts): boolean => state === 'idle' || state === 'working' || state === 'waiting'

function silentPeer(id: PeerId, peers: readonly PeerFacts[]): string {
  const known = peers.find(({ peer }) => peer === id)
  if (!known) return `peer ${id.slice(-8)}, not heard since this node started`
  if (known.state === 'leaving') return `${nameOf(id, peers)}, which was stopped`
  return `${nameOf(id, peers)}, silent for ${durationOf(known.heard_s)}`
}

const durationOf = (s: number): string =>
  s < 120 ? `${Math.round(s)} s` : s < 7_200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3_600)} h`
