/**
 * Audits: chunks encoded once more by another peer, as equal tasks of one class give equal streams whoever runs them. Which results are drawn,
 * who may audit, what the results of several peers say, and what of a peer that gave a wrong one is not trusted. Pure.
 */
import { type Capability, canDo, parseClass } from '../../protocol/capability.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { auditId, type PeerId, type Sha256, type TaskId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import { AUDITED_FIRST } from '../../protocol/limits.ts'
import { machineOf } from '../../protocol/machine.ts'
import { takesWork } from '../../protocol/peer-table.ts'
import type { NewTask, Task } from '../../protocol/task.ts'

/** Decoders whose standard defines every sample, or that are lossless. Others (MPEG-2, MPEG-4, MJPEG …) may round by build and processor. */
const EXACT_DECODER =
  /^(h264|hevc|vvc|vp8|vp9|av1|ffv1|ffvhuff|huffyuv|utvideo|magicyuv|rawvideo|v210|v410|qtrle|png|apng|gif)(8|9|10|12|14|16)?$/
/** Tone mapping: samples of real HDR differ by a level between builds. */
const INEXACT_FILTER = /^zscale/

/** Whether two honest peers that may run this class write the same stream. Encoders are named with their build family where builds differ. */
export function isComparable(taskClass: string): boolean {
  const parts = parseClass(taskClass)
  return (
    parts !== null && EXACT_DECODER.test(parts.decoder) && !parts.filters.some((filter) => INEXACT_FILTER.test(filter))
  )
}

/** What is known of the peer whose result may be audited. */
export interface Draw {
  /** Audits of it that agreed since it joined, or since its last wrong result. */
  readonly agreed: number
  /** Number of its results that are being audited. */
  readonly outstanding: number
  /** Share of results to audit, 0–1. */
  readonly share: number
  /** A random number, 0–1. */
  readonly random: number
}

/** Whether a result is audited: the first ones of a new peer always, until as many audits have agreed or run. */
export const isDrawn = ({ agreed, outstanding, share, random }: Draw): boolean =>
  agreed + outstanding < AUDITED_FIRST || random < share

/** A present peer that may audit. */
export interface Auditor extends Capability {
  readonly peer: PeerId
  readonly host: string
  readonly state: Heartbeat['state']
  readonly slots: number
}

/** All of these peers that may not audit: those that gave a result of the task, and whoever shares a machine with one of them. */
export function notBy(made: readonly PeerId[], present: readonly Pick<Auditor, 'peer' | 'host'>[]): PeerId[] {
  const machines = new Set(present.filter(({ peer }) => made.includes(peer)).map(({ host }) => machineOf(host)))
  const neighbours = present.filter(({ host }) => machines.has(machineOf(host))).map(({ peer }) => peer)
  return [...new Set([...made, ...neighbours])]
}

/** The peers that could run an audit of this class now. */
export const auditors = (
  present: readonly Auditor[],
  { taskClass, not_by }: { readonly taskClass: string; readonly not_by: readonly PeerId[] },
): PeerId[] =>
  present
    .filter((each) => each.slots > 0 && takesWork(each) && !not_by.includes(each.peer) && canDo(each, taskClass))
    .map(({ peer }) => peer)

/** The `n`th audit of a task, which these peers may not run. */
export function auditOf(
  task: Task,
  { n, not_by, priority }: { readonly n: number; readonly not_by: PeerId[]; readonly priority: number },
): NewTask {
  const { video_id, chunk_id, resolution, start_pts, end_pts, time_base, frames, input, due, rank } = task
  const same = {
    class: task.class,
    video_id,
    chunk_id,
    resolution,
    start_pts,
    end_pts,
    time_base,
    frames,
    input,
    due,
    rank,
  }
  return { ...same, _id: auditId(task._id, n), kind: kindsWhere(({ audits }) => audits)[0]!, not_by, priority }
}

/** One result of a task: its stream, and who made it. `task`: the task itself, or one of its audits. */
export interface AuditResult {
  readonly task: TaskId
  /** Number of the attempt that made it. */
  readonly attempt: number
  readonly peer: PeerId
  readonly sha256: Sha256
  /** When it was completed, ledger time, ms. */
  readonly at: number
}

/** What the results say: `right` is the stream of more peers than any other, two at least; null while they do not decide. */
export interface Judgement {
  readonly right: Sha256 | null
  readonly wrong: readonly AuditResult[]
  readonly areDifferent: boolean
}

/** Judges the results of one task. Those of one peer count once. */
export function judge(results: readonly AuditResult[]): Judgement {
  const votes = [...Map.groupBy(results, ({ sha256 }) => sha256)]
    .map(([sha256, same]) => ({ sha256, peers: new Set(same.map(({ peer }) => peer)).size }))
    .sort((a, b) => b.peers - a.peers)
  const [first, second] = votes
  const isDecided = first !== undefined && first.peers > 1 && first.peers > (second?.peers ?? 0)
  const right = isDecided ? first.sha256 : null
  return {
    right,
    wrong: right === null ? [] : results.filter(({ sha256 }) => sha256 !== right),
    areDifferent: votes.length > 1,
  }
}

/**
 * The results of a peer to make again where one that it completed at `at` (ledger time, ms) was wrong: all since its last one before that was
 * audited and right, but those that were audited themselves.
 */
export function sinceLastGood<T extends Pick<Task, 'audit' | 'end_time'>>(made: readonly T[], at: number): T[] {
  const good = made.filter(({ audit, end_time }) => audit === 'agreed' && (end_time ?? 0) < at)
  const since = Math.max(Number.NEGATIVE_INFINITY, ...good.map(({ end_time }) => end_time ?? 0))
  return made.filter(({ audit, end_time }) => audit !== 'agreed' && (end_time ?? 0) > since)
}
