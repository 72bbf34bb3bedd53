/**
 * Watches every write that takes effect in the ledger and holds it against the rules: tasks (`task-rules.ts`), videos, plans,
 * the lease. It is on the ledger's side of the network, so that it sees what was done, whatever the callers were answered.
 * The simulation applies one statement at a time, so reading back right after it sees that statement's effect alone.
 */
import { isDeepStrictEqual } from 'node:util'
import type { AttemptEnd, Completion, Steps, VideoMove } from '../../ledger/steps.ts'
import type { PeerId, Sha256, TaskId, VideoId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Lease, LeaseName, ObservedClaim } from '../../protocol/ledger.ts'
import { LEASE_MS } from '../../protocol/limits.ts'
import { type NewTask, TASK_STATUSES, type Task } from '../../protocol/task.ts'
import { VIDEO_TRANSITIONS, type Video } from '../../protocol/video.ts'
import { type StepName, stepsAround } from '../../testing/simulation/steps-around.ts'
import type { IdleRules } from './idle-rules.ts'
import { createPresenceRules, type PresenceRulesOptions } from './presence-rules.ts'
import { createQuarantineRules } from './quarantine-rules.ts'
import { brokenRules, type Change } from './task-rules.ts'

export interface AuditOptions extends Pick<PresenceRulesOptions, 'goneMs' | 'has' | 'lacksMs'> {
  readonly steps: Steps
  /** Ledger time. */
  now(): number
  /** Virtual ms since the beginning: no clock of anybody's, so it never jumps. */
  elapsed(): number
  /** Whether anything goes wrong but machines that are bad. */
  readonly day: 'quiet' | 'bad'
  readonly idle: Pick<IdleRules, 'failed' | 'completed'>
  report(violation: string): void
  trace(line: string): void
  /** Peers whose encodes show other pictures: what they commit is counted, not a violation. */
  readonly liars: readonly PeerId[]
  /** The output that an undisturbed run commits for this task; null where it has none. */
  expected(task: Task): Sha256 | null
}

export interface Audited {
  readonly steps: Steps
  readonly counts: {
    writes: number
    claims: number
    commits: number
    lost: number
    strikes: number
    terms: number
    quarantines: number
    backups: number
    /** Audits that were run. */
    audits: number
    /** Commits with other pictures. */
    lies: number
    /** How often a peer became the holder of a source or a result. */
    taken: number
  }
}

type Watch = (given: never, answer: never) => Promise<void>

export function createAudit(options: AuditOptions): Audited {
  const { steps, now, idle, report, trace } = options
  const tasks = new Map<TaskId, Task>()
  const videos = new Map<VideoId, Video>()
  const counts = {
    writes: 0,
    claims: 0,
    commits: 0,
    lost: 0,
    strikes: 0,
    terms: 0,
    quarantines: 0,
    backups: 0,
    audits: 0,
    lies: 0,
    taken: 0,
  }
  const lacksInput = createPresenceRules(options)
  const quarantine = createQuarantineRules({ ...options, steps, now })
  const leases = new Map<LeaseName, Omit<Lease, 'remaining_ms'> & { expires_at: number }>()

  async function task(id: TaskId, what: Omit<Change, 'before' | 'after' | 'now'>): Promise<void> {
    const after = await steps.task(id)
    if (!after) return
    const before = tasks.get(id)
    tasks.set(id, after)
    const expected = what.worker && options.liars.includes(what.worker) ? null : options.expected(after)
    for (const broken of brokenRules({ ...what, before, after, now: now(), expected })) report(broken)
    counts.strikes += Math.max(0, after.strikes.length - (before?.strikes.length ?? 0))
  }

  async function tasksOf(id: VideoId, what: Omit<Change, 'before' | 'after' | 'now'>): Promise<void> {
    for (const status of TASK_STATUSES)
      for (const { _id } of await steps.tasks({ status, video: id })) await task(_id, what)
  }

  async function video(id: VideoId, term?: number): Promise<void> {
    const after = await steps.video(id)
    const before = videos.get(id)
    if (!after) return
    videos.set(id, after)
    if (!before || isDeepStrictEqual(before, after)) return
    const isRow = VIDEO_TRANSITIONS.some(({ from, event, to }) => {
      const isTo = to === after.status || (event === 'retry' && after.status === 'QUEUED' && !after.plan)
      return from.includes(before.status) && isTo
    })
    if (before.status !== after.status && !isRow) report(`video ${id} went from ${before.status} to ${after.status}`)
    if (before.plan && before.plan.sha256 !== after.plan?.sha256) report(`the plan of video ${id} was replaced`)
    if (term !== undefined && before.coordinator_term > term) {
      report(`video ${id} was changed by term ${term} although term ${before.coordinator_term} had stamped it`)
    }
    if (after.coordinator_term < before.coordinator_term) report(`the term of video ${id} fell`)
  }

  function leaseWon([me, nonce, name]: readonly [PeerId, string, LeaseName], answer: Lease): void {
    const lease = leases.get(name)
    if (answer.holder !== me || answer.nonce !== nonce) {
      // Where the clock was set back since, asking brings it near.
      if (lease) lease.expires_at = Math.min(lease.expires_at, now() + LEASE_MS)
      return
    }
    if (lease && lease.expires_at > now())
      report(`term ${answer.term} of ${name} was won by ${me} while term ${lease.term} was held`)
    if (lease && answer.term !== lease.term + 1) report(`term ${answer.term} follows term ${lease.term}`)
    leases.set(name, { holder: me, nonce, term: answer.term, expires_at: now() + answer.remaining_ms })
    if (name === 'coordinator') counts.terms = answer.term
  }

  async function leaseKept([me, term, name]: readonly [PeerId, number, LeaseName], held: boolean): Promise<void> {
    const lease = leases.get(name)
    if (held && lease && (lease.holder !== me || lease.term !== term))
      report(`term ${term} of ${me} was renewed after it was lost`)
    const { remaining_ms } = await steps.lease(name)
    if (held && lease) lease.expires_at = now() + remaining_ms
  }

  const claimed = async (asked: { worker: PeerId }, got: { attempt: number; task: Task } | null) => {
    if (!got) return
    counts.claims++
    if (got.task.claims.some(({ attempt, speculative }) => speculative && attempt === got.attempt)) counts.backups++
    const isEncode = kindFacts(got.task.kind).slots === 'encode'
    const broken = isEncode && (await quarantine.claimed(asked.worker))
    if (broken) report(broken)
    const lacking = await lacksInput(asked.worker, got.task)
    if (lacking) report(lacking)
    await task(got.task._id, { event: 'claim', held: true, attempt: got.attempt, worker: asked.worker })
  }

  const watches: Partial<Record<StepName, Watch>> = {
    insertVideo: async ([made]: readonly [Video]) => video(made._id),
    joinVideo: async ([id]: readonly [VideoId]) => video(id),
    moveVideo: async ([id, move]: readonly [VideoId, VideoMove]) => video(id, move.term),
    nameDelivery: async ([id]: readonly [VideoId]) => video(id),
    addVideoHolder: async ([id]: readonly [VideoId], held: boolean) => {
      if (held) counts.taken++
      await video(id)
    },
    removeSourceHolder: async ([id]: readonly [VideoId]) => video(id),
    finishDelivery: async ([id]: readonly [VideoId]) => video(id),
    insertTasks: async ([made]: readonly [readonly NewTask[]]) => {
      for (const { _id } of made) await task(_id, { event: 'insert', held: true })
    },
    claimNext: ([asked]: readonly [{ worker: PeerId }], got: never) => claimed(asked, got),
    claimTask: ([asked]: readonly [{ worker: PeerId }], got: never) => claimed(asked, got),
    renew: async (
      [worker, asked]: readonly [PeerId, readonly { task: TaskId; attempt: number }[]],
      lost: readonly { task: TaskId }[],
    ) => {
      for (const each of asked) {
        const held = !lost.some((gone) => gone.task === each.task)
        await task(each.task, { event: 'renew', held, attempt: each.attempt, worker })
      }
    },
    complete: async ([done]: readonly [Completion], held: boolean) => {
      if (held) counts.commits++
      const committed = held ? await steps.task(done.task) : null
      if (committed && kindFacts(committed.kind).audits) counts.audits++
      if (committed && options.liars.includes(done.worker) && committed.output?.sha256 !== options.expected(committed))
        counts.lies++
      if (held) await quarantine.completed()
      idle.completed(done)
      await task(done.task, { event: 'complete', held, attempt: done.attempt, worker: done.worker })
    },
    endAttempt: async ([end]: readonly [AttemptEnd], held: boolean) => {
      const { attempt, worker, strike } = end
      if (held && strike) quarantine.failed(worker)
      if (end.failure) await idle.failed(end)
      await task(end.task, { event: end.failure ? 'fail' : 'release', held, attempt, worker, strike })
    },
    endSeenClaims: async (
      [claims, { term, strike }]: readonly [readonly ObservedClaim[], { term: number | null; strike: never }],
      ended: readonly TaskId[],
    ) => {
      for (const id of new Set(claims.map((claim) => claim.task))) {
        const seen = claims.filter((claim) => claim.task === id)
        await task(id, { event: term === null ? 'release' : 'reclaim', held: ended.includes(id), seen, term, strike })
      }
    },
    quarantine: async ([id]: readonly [PeerId], held: boolean) => {
      if (!held) return
      counts.quarantines++
      quarantine.quarantined(id)
    },
    wantBackup: ([id, { term }]: readonly [TaskId, { term: number }], held: boolean) =>
      task(id, { event: 'want_backup', held, term }),
    failTask: ([id, { term }]: readonly [TaskId, { term: number }], held: boolean) =>
      task(id, { event: 'strikes_full', held, term }),
    loseOutput: async ([id, { term }]: readonly [TaskId, { term: number }], held: boolean) => {
      if (held) counts.lost++
      await task(id, { event: 'lost', held, term })
    },
    markAudits: async ([marked, { term }]: readonly [readonly { task: TaskId }[], { term: number }], count: number) => {
      for (const { task: id } of marked) await task(id, { event: 'mark_audit', held: count === marked.length, term })
    },
    urgeIdleTasks: ([id]: readonly [VideoId]) => tasksOf(id, { event: 'align', held: true }),
    recut: ([id]: readonly [TaskId], held: boolean) => task(id, { event: 'recut', held }),
    addTaskHolder: ([id]: readonly [TaskId], held: boolean) => task(id, { event: 'holder', held }),
    cancelTasks: ([id]: readonly [VideoId]) => tasksOf(id, { event: 'cancel', held: true }),
    reviveTasks: ([id]: readonly [VideoId]) => tasksOf(id, { event: 'retry', held: true }),
    prioritizeTasks: ([id]: readonly [VideoId]) => tasksOf(id, { event: 'align', held: true }),
    alignTasks: async (_given: never, changed: number) => allTasks(changed),
    stampTerm: async (_given: never, changed: number) => allTasks(changed),
    acquireLease: async (given: Parameters<Steps['acquireLease']>, answer: Lease) => leaseWon(given, answer),
    renewLease: (given: Parameters<Steps['renewLease']>, held: boolean) => leaseKept(given, held),
    releaseLease: (given: Parameters<Steps['releaseLease']>, held: boolean) => leaseKept(given, held),
  }

  async function allTasks(changed: number): Promise<void> {
    if (changed === 0) return
    for (const id of videos.keys()) {
      await video(id)
      await tasksOf(id, { event: 'align', held: true })
    }
  }

  const watched = stepsAround(steps, async (name, given, call) => {
    const watch = watches[name]
    if (!watch) return call()
    counts.writes++
    const answer = await call()
    trace(`${name} ${brief(given)} → ${brief(answer)}`)
    await watch(given as never, answer as never)
    return answer
  })
  return { steps: watched, counts }
}

/** Enough of a statement to distinguish two runs, and to read. */
function brief(value: unknown): string {
  if (Array.isArray(value)) return value.length > 3 ? `${value.length}×${brief(value[0])}` : value.map(brief).join(' ')
  if (value === null || typeof value !== 'object') return String(value)
  const { _id, task, attempt, worker, to, term, code } = value as Record<string, unknown>
  const id = typeof task === 'object' && task !== null ? (task as Task)._id : (task ?? _id)
  return [
    id,
    attempt !== undefined && `#${attempt}`,
    worker && String(worker).slice(-2),
    to,
    term !== undefined && `term ${term}`,
    code,
  ]
    .filter(Boolean)
    .join(' ')
}
