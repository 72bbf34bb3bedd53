/**
 * Why a video makes no progress, as one sentence: who or what is missing, since when, and what would help. Pure: facts in, reason out.
 * `still-videos.ts` gathers the facts, and decides from when on a video counts as still.
 */
import { canDo } from '../../protocol/capability.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import { describeTask, type Task } from '../../protocol/task.ts'
import { missingText } from './missing-capability.ts'
import { nameOf, waitingText } from './sentences.ts'
import { ofDelivery } from './still-delivery.ts'
import { ofBeginning, ofLeaderStep, ofLeading } from './still-next-step.ts'
import {
  absent, coordinatorsOf, isHeld, noCoordinator, type PeerFacts, reason, refusing, type StillFacts, type Stillness, seers, silentPeer, takes,
} from './still-words.ts' // biome-ignore format: one list

/** Why an open video, or a COMPLETED one that is not delivered, makes no progress. `unknown`: nothing that is seen here stands in its way. */
export function stillnessOf(facts: StillFacts): Stillness {
  const { status, deliveries } = facts.video
  const undelivered = deliveries.find(({ done_at }) => done_at === null)
  if (status === 'COMPLETED' && undelivered) return ofDelivery(facts, undelivered)
  if (facts.open === null) return ofUnread(facts)
  if (status === 'MERGING') return ofMerge(facts, facts.open)
  const creator = facts.open.find(({ kind }) => kindFacts(kind).createsTasks)
  if (status === 'RUNNING') {
    const encodes = ofEncodes(facts, facts.open)
    if (encodes || !creator) return encodes ?? ofEncoded(facts)
  }
  if (creator) return ofIngest(facts, creator)
  return ofLeaderStep(facts, { so: 'its first task is missing, as its submit was cut off', what: 'adds it' })
}

/** One of so many videos that its tasks were not read. */
function ofUnread({ video, ahead }: StillFacts): Stillness {
  return reason('queued', `is ${video.status}, and waits behind ${ahead} other video${ahead === 1 ? '' : 's'}`)
}

/** All tasks of its plan are COMPLETED. */
function ofEncoded(facts: StillFacts): Stillness {
  const [task] = facts.unaudited
  if (task) return ofAudit(facts, task)
  return ofLeaderStep(facts, { so: 'everything is encoded', what: 'starts the merge' })
}

/** A result whose audit nobody runs: another peer has to. */
function ofAudit(facts: StillFacts, task: Task): Stillness {
  const { unaudited, peers } = facts
  const more = unaudited.length > 1 ? ` and ${unaudited.length - 1} more` : ''
  const able = peers.filter((each) => each.slots > 0 && canDo(each, task.class)).map(({ peer }) => nameOf(peer, peers))
  return (
    ofLeading(facts) ??
    reason(
      'audit_waits',
      `${describeTask(task)}${more} waits for an audit by another peer than ${able.join(', ')}, on another machine, for 5 minutes at most; start a worker there`,
    )
  )
}

function ofIngest(facts: StillFacts, task: Task): Stillness {
  const { video, peers, reachable, ahead } = facts
  if (task.status === 'PROCESSING') return ofAttempt(facts, task)
  if (!isHeld(video.source, reachable))
    return ofSharedSource(facts) ?? absent(facts, 'source_absent', video.source.holders, 'the source')
  const failed = ofFailure(facts, task)
  if (failed) return failed
  const able = coordinatorsOf(peers)
  if (able.length === 0) return noCoordinator()
  const takers = able.filter(takes)
  if (takers.length === 0) return refusing(able, 'read the source')
  if (ahead > 0) return reason('queued', `waits behind ${ahead} other video${ahead === 1 ? '' : 's'}`)
  // Who has it comes first, then the leader, which fetches it.
  const readers = takers.filter(({ peer }) => video.source.holders.includes(peer))
  const leads = takers.filter(({ peer }) => peer === facts.leader)
  if (readers.length + leads.length === 0) return ofLeading(facts) ?? refusing(able, 'read the source')
  return ofBeginning(facts, task, readers.length > 0 ? readers : leads)
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
function ofEncodes(facts: StillFacts, open: readonly Task[]): Stillness | null {
  const { now, reachable, video } = facts
  const encodes = open.filter(({ kind }) => kindFacts(kind).slots === 'encode')
  const running = encodes.filter(({ status }) => status === 'PROCESSING')
  const atWork = running.find((task) => task.claims.some(({ worker_id }) => reachable.includes(worker_id)))
  if (atWork) return ofAttempt(facts, atWork)
  const pending = encodes.filter(({ status }) => status === 'PENDING')
  const there = pending.filter(({ input }) => input === null || isHeld(input, reachable))
  const ready = there.find(({ not_before }) => not_before <= now)
  if (ready) return ofReady(facts, ready)
  const [delayed] = there
  if (delayed) return ofFailure(facts, delayed) ?? ofReady(facts, delayed)
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
  return (
    ofFailure(facts, task) ??
    ofBeginning(
      facts,
      task,
      takers.filter(({ busy, slots }) => busy < slots),
    )
  )
}

function ofMerge(facts: StillFacts, open: readonly Task[]): Stillness {
  const { withoutOutput, unaudited, peers, leader } = facts
  const merge = open.find(({ kind }) => kindFacts(kind).outputs === 'results')
  if (merge?.status === 'PROCESSING') return ofAttempt(facts, merge)
  const encodes = ofEncodes(facts, open)
  if (encodes) return encodes
  if (unaudited[0]) return ofAudit(facts, unaudited[0])
  if (merge?.status === 'COMPLETED')
    return reason('replica_wanted', 'the results wait until a second machine has a replica, 5 minutes at most')
  const [lost] = withoutOutput
  if (lost?.output) {
    const what = `${describeTask(lost)}${withoutOutput.length > 1 ? ` and ${withoutOutput.length - 1} more` : ''}`
    return absent(facts, 'result_absent', lost.output.holders, what, 'it is encoded again after 30 s')
  }
  const failed = merge && ofFailure(facts, merge)
  if (failed) return failed
  if (!merge) return ofLeaderStep(facts, { so: 'its merge task is missing', what: 'adds it' })
  const without = ofLeading(facts)
  if (without) return without
  const leads = peers.filter(({ peer }) => peer === leader)
  return leads.some((each) => !takes(each)) ? refusing(leads, 'merge it') : ofBeginning(facts, merge, leads)
}

/** A claimed task whose attempt does not advance. */
function ofAttempt({ reachable, peers, waiting, now }: StillFacts, task: Task): Stillness {
  const worker = task.claims.at(-1)?.worker_id ?? task.worker_id
  const what = describeTask(task)
  if (worker === null)
    return reason('unknown', `${what} is ${task.status} without a claim, which no peer of this version writes`)
  if (!reachable.includes(worker)) {
    const left = Math.max(0, Math.ceil((task.claimable_at - now) / 1000))
    return reason('worker_absent', `waits for ${silentPeer(worker, peers)}, which has ${what}: it runs elsewhere in ${left} s at the latest`, [worker]) // biome-ignore format: one sentence
  }
  const name = nameOf(worker, peers)
  if (peers.some(({ peer, state }) => peer === worker && state === 'ledger_away'))
    return reason('worker_absent', `${name} has ${what} and is cut off from the ledger: it goes on, and holds its result for 15 minutes`, [worker]) // biome-ignore format: one sentence
  if (kindFacts(task.kind).createsTasks) return reason('working', `${name} reads and cuts the source`, [])
  if (waiting.has(task._id)) return reason('input_slow', `${what} waits for its input, which ${name} fetches`, [worker])
  return reason('working', `${name} has ${what}: ffmpeg is stopped after 2 minutes without progress`, [])
}

/** When a task that failed is tried again; null where it has not failed, or may be claimed now. */
function ofFailure({ now, peers }: StillFacts, task: Task): Stillness | null {
  const last = task.failures.at(-1)
  if (!last && task.not_before > now)
    return reason('next_step', `${describeTask(task)} may be begun in ${Math.ceil((task.not_before - now) / 1000)} s, by the clock of the ledger, which was set back`) // biome-ignore format: one sentence
  if (!last || (task.not_before <= now && task.strikes.length === 0)) return null
  const of = { what: describeTask(task), worker: last.worker_id, reason: last.message, inMs: task.not_before - now }
  return reason('retry', waitingText(of, peers), [])
}
