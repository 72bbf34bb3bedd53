/**
 * The audits of open videos, for one term. Once a result is COMPLETED the leader draws whether it is audited and records that in the ledger,
 * so that its peer cannot know before, and no leader draws twice. An audit is a task of its own that another peer, on another machine, runs in
 * an idle slot; the streams are compared before the merge. Where they differ a third peer decides, and without one this leader's own result.
 *
 * A video waits for its audits at most `AUDIT_WAIT_MAX_MS` after its last encode, and not at all where nobody could run them.
 */
import type { Rng } from '../protocol/clock.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import { auditId } from '../protocol/ids.ts'
import { kindFacts, kindsWhere } from '../protocol/kinds.ts'
import type { Counts } from '../protocol/ledger.ts'
import {
  AUDIT_IDLE_MS,
  AUDIT_WAIT_MAX_MS,
  AUDITS_EACH,
  IDLE_PRIORITY,
  LOST_AFTER_MS,
  SILENCE_MS,
} from '../protocol/limits.ts'
import { presentPeers } from '../protocol/peer-table.ts'
import type { NewTask, Task } from '../protocol/task.ts'
import type { Video } from '../protocol/video.ts'
import type { TermContext } from './duty.ts'
import { type Auditor, type AuditResult, auditors, isComparable, isDrawn, judge, notBy } from './policy/audits.ts'
import { takeBack } from './wrong-results.ts'

/** The parts of the term that audits use. */
export type AuditsContext = Pick<
  TermContext,
  'self' | 'host' | 'capability' | 'audit' | 'term' | 'ledger' | 'clock' | 'rng' | 'emit' | 'hints' | 'peers'
>

/** The audits of one term. */
export interface Audits {
  /**
   * Draws, orders and judges audits of a RUNNING video; answers whether all that were chosen are settled. `counts`: its progress.
   * Rejects with `LedgerUnavailable`.
   */
  settle(video: Video, counts: Counts, state: { readonly isEncoded: boolean }): Promise<boolean>
  /** Forgets all other videos. */
  keepOnly(videos: ReadonlySet<VideoId>): void
}

/** Makes them. Their state can be measured again: since when a video waits, and what was read last. */
export const createAudits = (context: AuditsContext): Audits => new TermAudits(context)

interface Known {
  /** The counts when nothing was left to decide. */
  seen: string | null
  /** Since when all is encoded, monotonic ms. */
  encodedAt: number | null
}

/** Time that a new leader needs to hear the present peers. */
const SETTLE_MS = 2 * SILENCE_MS
const auditedKinds = () => kindsWhere(({ audited }) => audited)
const auditKinds = () => kindsWhere(({ audits }) => audits)
const isRunning = ({ status }: Task): boolean => status === 'PENDING' || status === 'PROCESSING'

class TermAudits implements Audits {
  readonly #context: AuditsContext
  readonly #leadingSince: number
  readonly #known = new Map<VideoId, Known>()

  constructor(context: AuditsContext) {
    this.#context = context
    this.#leadingSince = context.clock.mono()
  }

  keepOnly(videos: ReadonlySet<VideoId>): void {
    for (const id of this.#known.keys()) if (!videos.has(id)) this.#known.delete(id)
  }

  async settle(video: Video, counts: Counts, { isEncoded }: { readonly isEncoded: boolean }): Promise<boolean> {
    const { audit, ledger, clock } = this.#context
    const ordered = counts.some(({ kind }) => kindFacts(kind).audits)
    // Without audits nothing is read.
    if (!(audit > 0) && !ordered) return true
    const known: Known = this.#known.get(video._id) ?? { seen: null, encodedAt: null }
    this.#known.set(video._id, known)
    known.encodedAt = isEncoded ? (known.encodedAt ?? clock.mono()) : null
    const now = JSON.stringify(counts)
    if (!isEncoded && (known.seen === now || !this.#knowsMesh())) return false
    const query = { video: video._id, kinds: auditedKinds(), statuses: ['COMPLETED'] } as const
    const results = await ledger.tasks({ ...query, audits: ['undecided', 'chosen'] })
    if (results.length > 0 && !this.#knowsMesh()) return false
    const audits = ordered ? await ledger.tasks({ video: video._id, kinds: auditKinds() }) : []
    const chosen = await this.#draw(results, audits)
    let open = 0
    for (const task of chosen) if (!(await this.#settleOne(video, task, audits, known))) open++
    known.seen = open === 0 || !isEncoded ? now : null
    return open === 0
  }

  /** Whether this leader has heard the peers that there are. */
  #knowsMesh(): boolean {
    return this.#context.clock.mono() - this.#leadingSince >= SETTLE_MS
  }

  /** Decides about the undecided results; answers all that are chosen. */
  async #draw(results: readonly Task[], audits: readonly Task[]): Promise<Task[]> {
    const { ledger, term, rng, audit: share } = this.#context
    const chosen = results.filter(({ audit }) => audit === 'chosen')
    const undecided = results.filter(({ audit }) => audit === 'undecided')
    if (undecided.length === 0) return chosen
    const agreed = new Map((await ledger.peers()).map(({ _id, audits_agreed }) => [_id, audits_agreed]))
    const fresh: Task[] = []
    for (const task of undecided) {
      const maker = task.worker_id
      const outstanding = [...chosen, ...fresh].filter(({ worker_id }) => worker_id === maker).length
      const draw = { agreed: (maker && agreed.get(maker)) || 0, outstanding, share, random: unpredictable(rng) }
      // Results of others from before it was made again are a comparison that costs nothing.
      const isCompared = auditsOf(task, audits).length > 0
      if (this.#canCompare(task, audits) && (isCompared || (share > 0 && isDrawn(draw)))) fresh.push(task)
    }
    const rest = undecided.filter((task) => !fresh.includes(task))
    await ledger.markAudits(rest.map(attemptOf), { from: 'undecided', to: 'none', term })
    await ledger.markAudits(fresh.map(attemptOf), { from: 'undecided', to: 'chosen', term })
    return [...chosen, ...fresh]
  }

  /** Whether another peer's stream would be equal, and there is one, or a peer that can make it. */
  #canCompare(task: Task, audits: readonly Task[]): boolean {
    if (!isComparable(task.class) || task.output?.es_sha256 === undefined) return false
    return auditsOf(task, audits).length > 0 || this.#auditorsOf(task, []).able.length > 0
  }

  /** Compares what there is and orders another audit where that decides nothing. Answers whether the result is settled. */
  async #settleOne(video: Video, task: Task, all: readonly Task[], known: Known): Promise<boolean> {
    const audits = auditsOf(task, all)
    const results = [resultOf(task), ...audits.map(resultOf)].filter((result) => result !== null)
    const judgement = judge(results)
    if (judgement.right !== null) return await this.#decide(video, task, results, judgement.right)
    const running = audits.find(isRunning)
    if (running) return await this.#await(video, task, { running, results, known })
    const { able, not_by } = this.#auditorsOf(task, audits)
    if (able.length === 0 || audits.length >= AUDITS_EACH)
      return await this.#withoutAnother(video, task, results, 'no other peer can encode it')
    await this.#order(video, task, { n: audits.length + 1, not_by, isUrgent: waitedMs(known, this.#context) > 0 })
    if (judgement.areDifferent && audits.length === 1) await this.#emitDifference(video, task, results)
    return false
  }

  /** Peers that may audit the task beside those that already gave a result. */
  #auditorsOf(task: Task, audits: readonly Task[]): { able: PeerId[]; not_by: PeerId[] } {
    const made = [task, ...audits].flatMap(({ worker_id }) => worker_id ?? [])
    const heard = this.#heard()
    const not_by = notBy(made, heard)
    return { able: auditors(heard, { taskClass: task.class, not_by }), not_by }
  }

  /** This leader where it encodes, and all present peers. */
  #heard(): Auditor[] {
    const { self, host, capability, peers, clock } = this.#context
    const others = presentPeers(peers, clock.mono()).map(({ peer, beat }) => ({ ...beat, peer }))
    return capability === null ? others : [{ ...capability, peer: self, host, state: 'working', slots: 1 }, ...others]
  }

  async #order(
    { _id, priority }: Video,
    task: Task,
    { n, not_by, isUrgent }: { n: number; not_by: PeerId[]; isUrgent: boolean },
  ): Promise<void> {
    const { class: taskClass, chunk_id, resolution, start_pts, end_pts, time_base, frames, input, due, rank } = task
    const audit: NewTask = {
      _id: auditId(task._id, n),
      kind: auditKinds()[0]!,
      class: taskClass,
      video_id: _id,
      chunk_id,
      resolution,
      start_pts,
      end_pts,
      time_base,
      frames,
      input,
      not_by,
      // A difference is settled at once: until then nobody knows whose other results are wrong.
      priority: n > 1 || isUrgent ? priority : IDLE_PRIORITY,
      due,
      rank,
    }
    const { inserted } = await this.#context.ledger.insertTasks([audit])
    if (inserted > 0) this.#context.hints.publish({ what: 'tasks', video: null })
  }

  /** An audit runs, or waits for a slot. Answers whether it is no longer waited for. */
  async #await(
    video: Video,
    task: Task,
    { running, results, known }: { running: Task; results: readonly AuditResult[]; known: Known },
  ): Promise<boolean> {
    const { ledger, term, hints } = this.#context
    const waited = waitedMs(known, this.#context)
    if (waited > AUDIT_IDLE_MS && running.priority === IDLE_PRIORITY) {
      await ledger.urgeIdleTasks(video._id, { priority: video.priority, term })
      hints.publish({ what: 'tasks', video: null })
    }
    const isLate = waited > AUDIT_WAIT_MAX_MS
    const isStuck = running.status === 'PENDING' && waited > LOST_AFTER_MS && !this.#couldRun(running)
    if (!isLate && !isStuck) return false
    await ledger.failTask(running._id, { strikes: running.strikes.length, term })
    const reason = isStuck ? 'no peer is left that could run it' : 'no peer has completed it in time'
    return await this.#withoutAnother(video, task, results, reason)
  }

  /** Whether a present peer may and can run the audit, and one has its input. */
  #couldRun({ class: taskClass, not_by, input }: Task): boolean {
    const heard = this.#heard()
    const isHeld =
      input === null ||
      input.holders.some((holder) => holder === this.#context.self || heard.some(({ peer }) => peer === holder))
    return isHeld && auditors(heard, { taskClass, not_by }).length > 0
  }

  /** Settles a result that no further peer can check. Where this leader has made one of two different results, its own counts. */
  async #withoutAnother(video: Video, task: Task, results: readonly AuditResult[], reason: string): Promise<boolean> {
    const { self, ledger, term, emit } = this.#context
    const { areDifferent } = judge(results)
    if (areDifferent) await this.#emitDifference(video, task, results)
    const isOneToOne = areDifferent && new Set(results.map(({ peer }) => peer)).size === 2
    const own = isOneToOne ? results.find(({ peer }) => peer === self) : undefined
    if (own) return await this.#decide(video, task, results, own.sha256)
    const to = areDifferent ? 'unsettled' : 'none'
    await ledger.markAudits([attemptOf(task)], { from: 'chosen', to, term })
    if (!areDifferent) await emit({ code: 'audit_skipped', video: video._id, task: task._id, reason })
    else if (task.output?.es_sha256 && task.worker_id) {
      const { es_sha256: committed } = task.output
      const other = results.find(({ sha256 }) => sha256 !== committed)!
      const kept = { committed, committed_by: task.worker_id, dropped: other.sha256 }
      await emit({ code: 'results_differ', peer: other.peer, video: video._id, task: task._id, ...kept })
    }
    return true
  }

  /** This stream is right. Answers whether the result is settled: a wrong one is made again. */
  async #decide(video: Video, task: Task, results: readonly AuditResult[], right: string): Promise<boolean> {
    const { ledger, term } = this.#context
    const votes = new Set(results.filter(({ sha256 }) => sha256 === right).map(({ peer }) => peer)).size
    const wrong = results.filter(({ sha256 }) => sha256 !== right)
    // The audits first: the result is taken back last, and with it the evidence.
    for (const result of wrong.filter((each) => each.task !== task._id)) {
      await takeBack(this.#context, { video, task, wrong: result, right, votes })
      await ledger.markAudits([{ task: result.task, attempt: result.attempt }], {
        from: 'undecided',
        to: 'refuted',
        term,
      })
    }
    const own = wrong.find((each) => each.task === task._id)
    if (own) {
      await takeBack(this.#context, { video, task, wrong: own, right, votes })
      return false
    }
    const { marked } = await ledger.markAudits([attemptOf(task)], { from: 'chosen', to: 'agreed', term })
    if (marked > 0 && task.worker_id) {
      const { audits_agreed } = await ledger.peer(task.worker_id)
      await ledger.setPeer(task.worker_id, { audits_agreed: audits_agreed + 1 })
    }
    return true
  }

  async #emitDifference(video: Video, task: Task, results: readonly AuditResult[]): Promise<void> {
    const [made, ...others] = results
    const other = others.find(({ sha256 }) => sha256 !== made?.sha256)
    if (!made || !other) return
    const streams = { made: made.sha256, audited: other.sha256, audited_by: other.peer }
    await this.#context.emit({ code: 'audit_differs', peer: made.peer, video: video._id, task: task._id, ...streams })
  }
}

const waitedMs = ({ encodedAt }: Known, { clock }: Pick<AuditsContext, 'clock'>): number =>
  encodedAt === null ? 0 : clock.mono() - encodedAt

/** The audits of a task, in the order of their numbers. */
function auditsOf({ _id }: Task, all: readonly Task[]): Task[] {
  const ids = Array.from({ length: AUDITS_EACH }, (_, n) => auditId(_id, n + 1))
  return ids.flatMap((id) => all.find((audit) => audit._id === id) ?? [])
}

/** A random number, 0–1, by the generator of tokens, which nobody can predict. */
const unpredictable = (rng: Pick<Rng, 'token'>): number => Number.parseInt(rng.token().slice(0, 12), 16) / 2 ** 48

const attemptOf = ({ _id, completed_attempt }: Task) => ({ task: _id, attempt: completed_attempt ?? 0 })

/** What a completed task or audit shows; null without a result, and for one that was found wrong. */
function resultOf({ _id, status, worker_id, output, audit, end_time, completed_attempt }: Task): AuditResult | null {
  const sha256 = output?.es_sha256
  if (status !== 'COMPLETED' || audit === 'refuted' || worker_id === null || sha256 === undefined) return null
  return { task: _id, attempt: completed_attempt ?? 0, peer: worker_id, sha256, at: end_time ?? 0 }
}
