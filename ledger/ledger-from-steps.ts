/**
 * The ledger's contract made out of an adapter's single-statement steps: what both adapters do alike is here, once.
 * Two-write events are in `two-writes.ts`, the repair of torn ones in `sweep.ts`.
 */
import type { VideoId } from '../protocol/ids.ts'
import {
  type AttemptOutcome,
  type Changed,
  type ClaimOutcome,
  initialPeer,
  type Ledger,
  type TaskQuery,
} from '../protocol/ledger.ts'
import { EVENT_TEXT_BYTES, FAILURE_MESSAGE_BYTES, INSERT_BATCH } from '../protocol/limits.ts'
import { type Plan, planTasks } from '../protocol/plan.ts'
import { type NewTask, TASK_STATUSES, type Task } from '../protocol/task.ts'
import { isOpen, OPEN_STATUSES } from '../protocol/video.ts'
import { plainText, planSha256 } from './documents.ts'
import { failingUnfitVideos } from './fail-unfit-videos.ts'
import type { Claimed, Completion, ListedParts, Steps } from './steps.ts'
import { sweep } from './sweep.ts'
import * as events from './two-writes.ts'

/** The ledger made of the steps of one adapter. */
export function ledgerFromSteps(given: Steps): Ledger {
  const steps = failingUnfitVideos(given)
  return { ...opening(steps), ...videos(steps), ...tasks(steps), ...attempts(steps), ...leases(steps), ...peers(steps) }
}

const changed = (held: boolean): Changed => (held ? 'changed' : 'unchanged')
const claimOutcome = (claimed: Claimed | null): ClaimOutcome =>
  claimed ? { outcome: 'claimed', ...claimed } : { outcome: 'none' }
const attemptOutcome = (held: boolean): AttemptOutcome => (held ? 'done' : 'superseded')

function opening(steps: Steps) {
  return {
    open: () => steps.open(),
    close: () => steps.close(),
    description: steps.description,
    now: () => steps.now(),
  } satisfies Partial<Ledger>
}

function videos(steps: Steps) {
  return {
    submit: (submission) => events.submit(steps, submission),
    video: (id) => steps.video(id),
    videos: (query = {}) => steps.videos(query),
    countVideos: (statuses) => steps.countVideos(statuses),
    undeliveredVideos: () => steps.undeliveredVideos(),
    startPlanning: async (id) => changed(await steps.moveVideo(id, { from: ['QUEUED'], to: 'PLANNING' })),
    commitPlan: (plan, due) => commitPlan(steps, plan, due),
    plan: (id, sha256) => steps.plan(id, sha256),
    startMerging: async (id, term) => changed(await events.startMerging(steps, id, term)),
    completeVideo: async (id, outputs, term) =>
      changed(await steps.moveVideo(id, { from: ['MERGING'], to: 'COMPLETED', term, set: { outputs: [...outputs] } })),
    reopenVideo: async (id, term) => changed(await events.reopenVideo(steps, id, term)),
    failVideo: async (id, failure, term) => changed(await events.failVideo(steps, id, failure, term)),
    cancel: async (id) => changed(await events.cancel(steps, id)),
    retry: async (id) => changed(await events.retry(steps, id)),
    setPriority: async (id, priority) => changed(await events.setPriority(steps, id, priority)),
    setDeadline: async (id, deadline) =>
      changed(await steps.moveVideo(id, { from: OPEN_STATUSES, to: 'same', set: { deadline } })),
    setDue: async (id, change) => changed(await events.setDue(steps, id, change)),
    nameDelivery: async (id, delivery, name) => changed(await steps.nameDelivery(id, delivery, name)),
    finishDelivery: async (id, delivery) => changed(await steps.finishDelivery(id, delivery)),
    addVideoHolder: async (id, sha256, peer) => changed(await steps.addVideoHolder(id, sha256, peer)),
    removeSourceHolder: async (id, sha256, peer) => changed(await steps.removeSourceHolder(id, sha256, peer)),
  } satisfies Partial<Ledger>
}

/** The plan document goes first, so that a committed hash always has its document. */
async function commitPlan(steps: Steps, plan: Plan, due: number): ReturnType<Ledger['commitPlan']> {
  const id = plan.video_id
  const sha256 = planSha256(plan)
  await steps.insertPlan(id, sha256, plan)
  const set = { plan: { sha256, tasks: planTasks(plan) }, due }
  if (await steps.moveVideo(id, { from: ['QUEUED', 'PLANNING'], to: 'RUNNING', plan: 'absent', set })) {
    await events.startRunning(steps, id)
    return { outcome: 'committed', plan }
  }
  const video = await steps.video(id)
  if (!video?.plan || !isOpen(video.status)) return { outcome: 'closed' }
  // The same plan: of an earlier try whose reply was lost, or of another peer that computed an equal one.
  if (video.plan.sha256 === sha256) return { outcome: 'committed', plan }
  const winner = await steps.plan(id, video.plan.sha256)
  if (!winner) throw new Error(`the committed plan of video ${id} is not in the ledger`)
  return { outcome: 'lost', plan: winner }
}

function tasks(steps: Steps) {
  return {
    insertTasks: (batch) => insertTasks(steps, batch),
    task: (id) => steps.task(id),
    tasks: (query) => queryTasks(steps, query),
    progress: (ids) => steps.progress(ids),
    completedSince: (since) => steps.completedSince(since),
    outcomes: (limit) => steps.outcomes(limit),
    pendingClasses: () => steps.claimableClasses(),
    recut: async (id, lost, input) => changed(await steps.recut(id, lost, input)),
    addTaskHolder: async (id, sha256, peer) => changed(await steps.addTaskHolder(id, sha256, peer)),
    removeInputHolder: async (id, sha256, peer) => changed(await steps.removeInputHolder(id, sha256, peer)),
    wantBackup: async (id, options) => changed(await steps.wantBackup(id, options)),
    failTask: async (id, options) => changed(await steps.failTask(id, options)),
    loseOutput: async (id, options) => changed(await steps.loseOutput(id, options)),
    markAudits: (all, change) => markAudits(steps, all, change),
    urgeIdleTasks: async (id, change) => ({ urged: await steps.urgeIdleTasks(id, change) }),
  } satisfies Partial<Ledger>
}

/** Inserts tasks; after every batch it checks whether the video has ended meanwhile, and cancels them then. */
async function insertTasks(steps: Steps, all: readonly NewTask[]): Promise<{ inserted: number }> {
  let inserted = 0
  for (let from = 0; from < all.length; from += INSERT_BATCH) {
    const batch = all.slice(from, from + INSERT_BATCH)
    inserted += await steps.insertTasks(batch)
    for (const id of new Set<VideoId>(batch.map((task) => task.video_id))) {
      const video = await steps.video(id)
      if (video?.status === 'CANCELLED' || video?.status === 'FAILED') await steps.cancelTasks(id)
    }
  }
  return { inserted }
}

async function markAudits(
  steps: Steps,
  all: Parameters<Ledger['markAudits']>[0],
  change: Parameters<Ledger['markAudits']>[1],
): Promise<{ marked: number }> {
  let marked = 0
  for (let from = 0; from < all.length; from += INSERT_BATCH)
    marked += await steps.markAudits(all.slice(from, from + INSERT_BATCH), change)
  return { marked }
}

/** One query for each status: only so do the partial indexes serve those that ask about all videos. */
async function queryTasks(steps: Steps, query: TaskQuery): Promise<Task[]> {
  const { statuses, ...rest } = query
  const wanted = query.worker === undefined ? new Set(statuses ?? TASK_STATUSES) : new Set(['PROCESSING'] as const)
  const found: Task[] = []
  for (const status of wanted) {
    if (query.worker === undefined || !statuses || statuses.includes(status))
      found.push(...(await steps.tasks({ ...rest, status })))
  }
  found.sort((a, b) => (query.video === undefined ? 0 : a.rank - b.rank) || (a._id < b._id ? -1 : 1))
  return query.limit === undefined ? found : found.slice(0, query.limit)
}

function attempts(steps: Steps) {
  return {
    claimNext: async (ask) => claimOutcome(ask.classes.length === 0 ? null : await steps.claimNext(ask)),
    claimTask: async (ask) => claimOutcome(await steps.claimTask(ask)),
    claimsByToken: (token) => steps.claimsByToken(token),
    renew: async (worker, held) => ({ lost: held.length === 0 ? [] : await steps.renew(worker, held) }),
    complete: ({ task, attempt, worker, output, outputs, output_path }) =>
      complete(steps, { task, attempt, worker, output, outputs, output_path }),
    listParts: (listed) => listParts(steps, listed),
    fail: async ({ task, attempt, worker, code, message, log, strike, backoff_ms }) => {
      const failure = { attempt, worker_id: worker, code, message: plainText(message, FAILURE_MESSAGE_BYTES), log }
      return attemptOutcome(
        await steps.endAttempt({ task, attempt, worker, failure, strike: strike ? code : null, backoff_ms }),
      )
    },
    release: async (given) =>
      attemptOutcome(await steps.endAttempt({ ...given, failure: null, strike: null, backoff_ms: 0 })),
    claimsOf: (worker) => steps.claimsOf(worker),
    reclaim: (claims, options) => steps.endSeenClaims(claims, options),
    releaseClaims: (claims) => steps.endSeenClaims(claims, { term: null, strike: null }),
  } satisfies Partial<Ledger>
}

/** Completes an attempt. Where the compare fails it reads the task: an earlier try of the same attempt may have committed. */
async function complete(steps: Steps, done: Completion): Promise<AttemptOutcome> {
  if (await steps.complete(done)) return 'done'
  const task = await steps.task(done.task)
  const mine = task?.status === 'COMPLETED' && task.completed_attempt === done.attempt && task.worker_id === done.worker
  return mine ? 'done' : 'superseded'
}

/** Lists parts. Where the compare fails it reads the task: an earlier try of the same attempt may have listed them. */
async function listParts(steps: Steps, listed: ListedParts): Promise<AttemptOutcome> {
  if (listed.parts.length === 0 || (await steps.listParts(listed))) return 'done'
  const task = await steps.task(listed.task)
  const isMine = task?.claims.some(
    ({ attempt, worker_id }) => attempt === listed.attempt && worker_id === listed.worker,
  )
  const names = new Map(task?.outputs.map(({ path, sha256 }) => [path, sha256]))
  const areListed = listed.parts.every(({ path, sha256 }) => names.get(path) === sha256)
  return isMine && areListed ? 'done' : 'superseded'
}

function leases(steps: Steps) {
  return {
    acquireLease: (me, nonce, name = 'coordinator') => steps.acquireLease(me, nonce, name),
    renewLease: async (me, term, name = 'coordinator') =>
      (await steps.renewLease(me, term, name)) ? 'renewed' : 'deposed',
    releaseLease: async (me, term, name = 'coordinator') => changed(await steps.releaseLease(me, term, name)),
    lease: (name = 'coordinator') => steps.lease(name),
    setNote: async (note) => changed(await steps.setNote(note)),
    notes: (lease) => steps.notes(lease),
    stampTerm: async (term) => void (await steps.stampTerm(term)),
    sweep: (term) => sweep(steps, term),
  } satisfies Partial<Ledger>
}

function peers(steps: Steps) {
  return {
    addMember: (id, ms) => steps.addMember(id, ms),
    members: () => steps.members(),
    beginRequest: (ask) => steps.beginRequest(ask),
    endRequest: async (end) => changed(await steps.endRequest(end)),
    addWebhooks: async (all, term) => (all.length === 0 ? 0 : await steps.addWebhooks(all, term)),
    webhook: (id) => steps.webhook(id),
    webhooks: (query) => steps.webhooks(query),
    dueWebhooks: (limit, except) => steps.dueWebhooks(limit, except),
    settleWebhook: async (id, outcome) =>
      changed(await steps.settleWebhook(id, { ...outcome, answer: plainText(outcome.answer, EVENT_TEXT_BYTES) })),
    resendWebhook: async (id) => changed(await steps.resendWebhook(id)),
    removeOldWebhooks: () => steps.removeOldWebhooks(),
    peers: () => steps.peers(),
    peer: async (id) => (await steps.peer(id)) ?? initialPeer(id),
    setPeer: (id, change) => steps.setPeer(id, change),
    async quarantine(id, period) {
      // A record to compare with: it changes nothing where there is one.
      await steps.setPeer(id, {})
      return changed(await steps.quarantine(id, { ...period, reason: plainText(period.reason, EVENT_TEXT_BYTES) }))
    },
    engines: () => steps.engines(),
    addEnginePeer: async (engine, peer) => changed(await steps.addEnginePeer(engine, peer)),
    removeEnginePeer: async (engine, peer) => changed(await steps.removeEnginePeer(engine, peer)),
    setWanted: async (engine, change) =>
      changed(await steps.setWanted(engine, { ...change, reason: plainText(change.reason, EVENT_TEXT_BYTES) })),
    addEvent: (event) => steps.addEvent({ ...event, text: plainText(event.text, EVENT_TEXT_BYTES) }),
    events: (limit, query = {}) => steps.events(limit, query),
    eventsAfter: (n, limit) => steps.eventsAfter(n, limit),
  } satisfies Partial<Ledger>
}
