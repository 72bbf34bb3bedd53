/**
 * What follows from a wrong result: its peer is quarantined and new again, its claims end, and what it has encoded since its last audit that
 * agreed is encoded again in every open video. Each step may be repeated: the result itself is taken back last, so that a new leader finds it,
 * judges it alike and goes on.
 */
import { kindsWhere } from '../protocol/kinds.ts'
import { AUDIT_QUARANTINE_MS } from '../protocol/limits.ts'
import { describeTask, type Task } from '../protocol/task.ts'
import { OPEN_STATUSES, type Video } from '../protocol/video.ts'
import type { TermContext } from './duty.ts'
import { type AuditResult, sinceLastGood } from './policy/audits.ts'

/** The parts of the term that this uses. */
export type WrongResultContext = Pick<TermContext, 'term' | 'ledger' | 'emit' | 'hints' | 'peers'>

/** A wrong result of a task, and what was right. */
export interface WrongResult {
  readonly video: Video
  readonly task: Task
  readonly wrong: AuditResult
  /** The stream that is right, as sha256 in hex. */
  readonly right: string
  /** Number of peers that made it. */
  readonly votes: number
}

/** Quarantines the peer and takes its results back. Rejects with `LedgerUnavailable`; the next round goes on. */
export async function takeBack(context: WrongResultContext, found: WrongResult): Promise<void> {
  await quarantine(context, found)
  await endClaims(context, found)
  await makeAgain(context, found)
}

async function quarantine(context: WrongResultContext, found: WrongResult): Promise<void> {
  const { ledger, emit, hints } = context
  const { peer } = found.wrong
  const [record, now] = [await ledger.peer(peer), await ledger.now()]
  // An earlier leader, or another wrong result of the same peer.
  if ((record.quarantined_until ?? 0) > now + AUDIT_QUARANTINE_MS / 2) return
  if (record.audits_agreed > 0) await ledger.setPeer(peer, { audits_agreed: 0 })
  const period = { ms: AUDIT_QUARANTINE_MS, quarantines: record.quarantines + 1, reason: reasonOf(found) }
  if ((await ledger.quarantine(peer, { ...period, seen: record.quarantined_until })) !== 'changed') return
  hints.publish({ what: 'peers', video: null })
  await emit({ code: 'quarantined', peer, name: nameOf(context, found), ...period })
}

function reasonOf({ video, task, wrong, right, votes }: WrongResult): string {
  const by = votes > 1 ? `${votes} other peers made` : 'this leader made'
  const minutes = AUDIT_QUARANTINE_MS / 60_000
  return `quarantined for ${minutes} min: its result of ${describeTask(task)} of ${video.name} is wrong: stream ${wrong.sha256}, where ${by} ${right}`
}

/** Ends its claims on encodes: what it is about to complete would be as wrong. */
async function endClaims(context: WrongResultContext, found: WrongResult): Promise<void> {
  const { ledger, term, hints, emit } = context
  const { peer } = found.wrong
  const kinds = kindsWhere(({ audited, audits }) => audited || audits)
  const running = (await ledger.tasks({ worker: peer })).filter(({ kind }) => kinds.includes(kind))
  const claims = running.flatMap(({ _id, claims }) =>
    claims
      .filter(({ worker_id }) => worker_id === peer)
      .map(({ speculative: _, ...claim }) => ({ task: _id, ...claim })),
  )
  if (claims.length === 0) return
  const { length: tasks } = await ledger.reclaim(claims, { term, strike: null })
  if (tasks === 0) return
  hints.publish({ what: 'tasks', video: null })
  await emit({ code: 'reclaimed', peer, name: nameOf(context, found), tasks, reason: 'a result of it is wrong' })
}

async function makeAgain(context: WrongResultContext, found: WrongResult): Promise<void> {
  const { ledger, term, hints, emit } = context
  const { peer, at } = found.wrong
  const kinds = kindsWhere(({ audited }) => audited)
  const open = await ledger.videos({ statuses: OPEN_STATUSES })
  const made: Task[] = []
  for (const { _id: video } of open)
    made.push(
      ...(await ledger.tasks({ video, kinds, statuses: ['COMPLETED'] })).filter((task) => task.worker_id === peer),
    )
  const again = sinceLastGood(made, at).sort(
    (a, b) => Number(a._id === found.task._id) - Number(b._id === found.task._id),
  )
  let tasks = 0
  for (const { _id, completed_attempt } of again)
    if ((await ledger.loseOutput(_id, { completed_attempt: completed_attempt ?? 0, term })) === 'changed') tasks++
  for (const video of open) if (again.some(({ video_id }) => video_id === video._id)) await undoMerge(context, video)
  if (tasks === 0) return
  hints.publish({ what: 'tasks', video: null })
  await emit({ code: 'made_again', peer, name: nameOf(context, found), tasks })
}

/** Ends a merge that may have read the wrong results; the next attempt waits for the new ones. */
async function undoMerge({ ledger, term }: WrongResultContext, { _id: video, status }: Video): Promise<void> {
  if (status !== 'MERGING') return
  const kinds = kindsWhere(({ outputs }) => outputs === 'results')
  for (const { _id, claims, completed_attempt } of await ledger.tasks({ video, kinds })) {
    if (completed_attempt !== null) await ledger.loseOutput(_id, { completed_attempt, term })
    const seen = claims.map(({ speculative: _, ...claim }) => ({ task: _id, ...claim }))
    if (seen.length > 0) await ledger.reclaim(seen, { term, strike: null })
  }
}

const nameOf = ({ peers }: WrongResultContext, { wrong }: WrongResult): string =>
  peers.get(wrong.peer)?.beat.name || wrong.peer
