/**
 * The audits of open videos, for one term. Once a result is COMPLETED the leader draws whether it is audited and records that in the ledger,
 * so that its peer cannot know before, and no leader draws twice. An audit is a task of its own that another peer, on another machine, runs in
 * an idle slot; the streams are compared before the merge. Where they differ a third peer decides, which may be this leader without slots, and
 * without one this leader's own result.
 *
 * A video waits for its audits at most `AUDIT_WAIT_MAX_MS` after its last encode: where results differ also for a third peer to come, else not at
 * all where nobody could run them.
 */
import type { Rng } from '../protocol/clock.ts'
import type { PeerId, TaskId, VideoId } from '../protocol/ids.ts'
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
import type { Task } from '../protocol/task.ts'
import type { Video } from '../protocol/video.ts'
import { auditorsOf, heard } from './audit-peers.ts'
import { attemptOf, auditsOf, disputed, resultOf } from './audit-results.ts'
import type { TermContext } from './duty.ts'
import { type AuditResult, auditOf, auditors, isComparable, isDrawn, judge } from './policy/audits.ts'
import { takeBack } from './wrong-results.ts'

/** The parts of the term that audits use. */
export type AuditsContext = Pick<
  TermContext,
  | 'self'
  | 'host'
  | 'capability'
  | 'settles'
  | 'audit'
  | 'term'
  | 'ledger'
  | 'clock'
  | 'rng'
  | 'emit'
  | 'hints'
  | 'peers'
>

/** The audits of one term. */
export interface Audits {
  /**
   * Draws, orders and judges audits of a RUNNING or MERGING video; answers whether all that were chosen are settled. `counts`: its progress.
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
  /** The results of which a difference was said. */
  readonly said: Set<TaskId>
  /** Audits that were compared with their results. */
  readonly compared: Set<TaskId>
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
    const hasResults = counts.some(({ kind, status }) => status === 'COMPLETED' && kindFacts(kind).audited)
    if (!hasResults && !ordered) return true
    const known: Known = this.#known.get(video._id) ?? {
      seen: null,
      encodedAt: null,
      said: new Set(),
      compared: new Set(),
    }
    this.#known.set(video._id, known)
    known.encodedAt = isEncoded ? (known.encodedAt ?? clock.mono()) : null
    const now = JSON.stringify(counts)
    if (!isEncoded && (known.seen === now || !this.#knowsMesh())) return false
    const query = { video: video._id, kinds: auditedKinds(), statuses: ['COMPLETED'] } as const
    const results = await ledger.tasks({ ...query, audits: ['undecided', 'chosen'] })
    if (results.length > 0 && !this.#knowsMesh()) return false
    const audits = ordered ? await ledger.tasks({ video: video._id, kinds: auditKinds() }) : []
    const chosen = [...(await this.#draw(results, audits)), ...(await disputed(this.#context, results, audits, known))]
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
    const comparable = undecided.filter((task) => this.#canCompare(task, audits))
    const records = comparable.length > 0 ? await ledger.peers() : []
    const agreed = new Map(records.map(({ _id, audits_agreed }) => [_id, audits_agreed]))
    const fresh: Task[] = []
    for (const task of comparable) {
      const maker = task.worker_id
      const outstanding = [...chosen, ...fresh].filter(({ worker_id }) => worker_id === maker).length
      const draw = { agreed: (maker && agreed.get(maker)) || 0, outstanding, share, random: unpredictable(rng) }
      // Results of others from before it was made again are a comparison that costs nothing.
      const isCompared = auditsOf(task, audits).length > 0
      if (isCompared || (share > 0 && isDrawn(draw))) fresh.push(task)
    }
    const rest = undecided.filter((task) => !fresh.includes(task))
    if (rest.length > 0) await ledger.markAudits(rest.map(attemptOf), { from: 'undecided', to: 'none', term })
    if (fresh.length > 0) await ledger.markAudits(fresh.map(attemptOf), { from: 'undecided', to: 'chosen', term })
    return [...chosen, ...fresh]
  }

  /** Whether another peer's stream would be equal, and there is one, or a peer that can make it. */
  #canCompare(task: Task, audits: readonly Task[]): boolean {
    if (!isComparable(task.class) || task.output?.es_sha256 === undefined) return false
    return auditsOf(task, audits).length > 0 || auditorsOf(this.#context, task, []).able.length > 0
  }

  /** Compares what there is and orders another audit where that decides nothing. Answers whether the result is settled. */
  async #settleOne(video: Video, task: Task, all: readonly Task[], known: Known): Promise<boolean> {
    const audits = auditsOf(task, all)
    const results = [resultOf(task), ...audits.map(resultOf)].filter((result) => result !== null)
    const judgement = judge(results)
    if (judgement.right !== null) return await this.#decide(video, task, results, judgement.right)
    const running = audits.find(isRunning)
    if (running) return await this.#await(video, task, { running, results, known })
    const { areDifferent } = judgement
    if (areDifferent) await this.#emitDifference(video, task, results, known)
    const { able, not_by } = auditorsOf(this.#context, task, audits, areDifferent)
    const waited = waitedMs(known, this.#context)
    if (able.length > 0 && audits.length < AUDITS_EACH) {
      const { priority } = video
      // A difference is settled at once: until then nobody knows whose other results are wrong.
      const isUrgent = areDifferent || waited > 0
      const n = audits.length + 1
      await this.#order(task, { n, not_by, priority: isUrgent ? priority : IDLE_PRIORITY })
      if (areDifferent) this.#mayTake(auditId(task._id, n), able)
      return false
    }
    const mayCome =
      areDifferent && audits.length < AUDITS_EACH && !results.some(({ peer }) => peer === this.#context.self)
    if (mayCome && waited <= AUDIT_WAIT_MAX_MS) return false
    return await this.#withoutAnother(video, task, results, 'no other peer can encode it')
  }

  /** A leader without slots runs an audit that settles a difference, where no other peer is faster. */
  #mayTake(audit: TaskId, able: readonly PeerId[]): void {
    const { self, settles } = this.#context
    if (able.includes(self)) settles?.take(audit)
  }

  async #order(task: Task, order: Parameters<typeof auditOf>[1]): Promise<void> {
    const audit = auditOf(task, order)
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
    const { areDifferent } = judge(results)
    if (areDifferent && running.status === 'PENDING')
      this.#mayTake(
        running._id,
        auditors(heard(this.#context, true), { taskClass: running.class, not_by: running.not_by }),
      )
    if (waited > AUDIT_IDLE_MS && running.priority === IDLE_PRIORITY) {
      await ledger.urgeIdleTasks(video._id, { priority: video.priority, term })
      hints.publish({ what: 'tasks', video: null })
    }
    const isLate = waited > AUDIT_WAIT_MAX_MS
    // A third peer may come, where results differ.
    const isStuck = !areDifferent && running.status === 'PENDING' && waited > LOST_AFTER_MS && !this.#couldRun(running)
    if (!isLate && !isStuck) return false
    await ledger.failTask(running._id, { strikes: running.strikes.length, term })
    const reason = isStuck ? 'no peer is left that could run it' : 'no peer has completed it in time'
    return await this.#withoutAnother(video, task, results, reason)
  }

  /** Whether a present peer may and can run the audit, and one has its input. */
  #couldRun({ class: taskClass, not_by, input }: Task): boolean {
    const others = heard(this.#context, false)
    const isHeld =
      input === null ||
      input.holders.some((holder) => holder === this.#context.self || others.some(({ peer }) => peer === holder))
    return isHeld && auditors(others, { taskClass, not_by }).length > 0
  }

  /** Settles a result that no further peer can check. Where this leader has made one of two different results, its own counts. */
  async #withoutAnother(video: Video, task: Task, results: readonly AuditResult[], reason: string): Promise<boolean> {
    const { self, ledger, term, emit } = this.#context
    const { areDifferent } = judge(results)
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

  /** Says once in a term that results differ. */
  async #emitDifference(video: Video, task: Task, results: readonly AuditResult[], { said }: Known): Promise<void> {
    if (said.has(task._id)) return
    said.add(task._id)
    const [made, ...others] = results
    const other = others.find(({ sha256 }) => sha256 !== made?.sha256)
    if (!made || !other) return
    const streams = { made: made.sha256, audited: other.sha256, audited_by: other.peer }
    await this.#context.emit({ code: 'audit_differs', peer: made.peer, video: video._id, task: task._id, ...streams })
  }
}

const waitedMs = ({ encodedAt }: Known, { clock }: Pick<AuditsContext, 'clock'>): number =>
  encodedAt === null ? 0 : clock.mono() - encodedAt

/** A random number, 0–1, by the generator of tokens, which nobody can predict. */
const unpredictable = (rng: Pick<Rng, 'token'>): number => Number.parseInt(rng.token().slice(0, 12), 16) / 2 ** 48
