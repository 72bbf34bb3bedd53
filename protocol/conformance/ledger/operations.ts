/**
 * Random operations for the property tests: each is data (so that fast-check can shrink and print it) and one call that is made
 * on the ledger under test and on the reference model alike. Times are hours from the start of a side's store, never
 * near a boundary, so that the milliseconds a real database takes cannot decide anything.
 */
import fc from 'fast-check'
import type { PeerId, TaskId, VideoId } from '../../ids.ts'
import { taskId } from '../../ids.ts'
import type { Ledger, ObservedClaim } from '../../ledger.ts'
import { IDLE_PRIORITY } from '../../limits.ts'
import { part } from './parts.ts'
import { newWebhook } from './webhooks.ts'
import { artifact, chunk, classOf, input, output, peer, plan, sha, submission, token } from './world.ts'

export const HOUR = 3_600_000
export const MODEL_CLAIM_MS = 10.25 * HOUR
export const MODEL_LEASE_MS = 6.25 * HOUR

/** One of the two ledgers, with what its earlier answers left to refer to. */
export interface Side {
  readonly ledger: Ledger
  /** Ledger time of this many hours after the start of the store. */
  at(hours: number): number
  advance(hours: number): Promise<void>
  /** Claims got so far, and those seen for reclaims, in the order they were. */
  readonly held: { task: TaskId; attempt: number; worker: PeerId }[]
  readonly seen: ObservedClaim[]
}

const VIDEOS = ['00000000000000a1', '00000000000000a2', '00000000000000a3'] as VideoId[]
const WORKERS = ['Ann', 'Bob', 'Cat'].map(peer)
const RESOLUTIONS = ['480p', '720p'] as const
/** Leases beside the leader's. */
export const OTHER_LEASES = ['watch:a/in', 'deliver:a'] as const
const CLASSES = VIDEOS.flatMap((video) => RESOLUTIONS.map((resolution) => classOf(video, resolution)))

/** Numbers an operation draws its choices from. */
const choice = fc.record({
  /** Mostly one video and one high term: what is spread thin never meets. */
  v: fc.oneof({ arbitrary: fc.constant(0), weight: 4 }, { arbitrary: fc.nat(2), weight: 1 }),
  term: fc.oneof({ arbitrary: fc.constant(4), weight: 4 }, { arbitrary: fc.nat(4), weight: 1 }),
  w: fc.nat(2),
  n: fc.nat(5),
  r: fc.nat(1),
  any: fc.nat(1_000),
})
export type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never

type Operation = (side: Side, pick: Choice) => Promise<unknown>
const of = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)]

/** Mostly all peers are present. */
const presentFor = ({ any, w }: Choice) => (any % 3 > 0 ? {} : { present: WORKERS.slice(0, w + (any % 2)) })

const video = ({ v }: Choice): VideoId => VIDEOS[v]!
const worker = ({ w }: Choice): PeerId => WORKERS[w]!
/** Mostly one of a video's tasks, sometimes its ingest or merge task. */
const task = ({ v, n, r }: Choice): TaskId => {
  const id = VIDEOS[v]!
  return n === 4 ? taskId(id, 'ingest') : n === 5 ? taskId(id, 'merge') : taskId(id, RESOLUTIONS[r]!, n % 3)
}

async function claimed(side: Side, who: PeerId, outcome: ReturnType<Ledger['claimNext']>): Promise<unknown> {
  const got = await outcome
  if (got.outcome === 'claimed') side.held.push({ task: got.task._id, attempt: got.attempt, worker: who })
  return got
}

/** The attempt a call is made for: mostly one that lives, else one of earlier; a stranger's now and then. */
async function attempt(side: Side, pick: Choice): Promise<Side['held'][number]> {
  const running = (await side.ledger.tasks({ statuses: ['PROCESSING'] })).flatMap((task) =>
    task.claims.map(({ attempt, worker_id }) => ({ task: task._id, attempt, worker: worker_id })),
  )
  const own = (pick.any % 4 > 0 ? of(running, pick.any) : of(side.held, pick.any)) ?? {
    task: task(pick),
    attempt: 1,
    worker: worker(pick),
  }
  return pick.any % 13 === 0 ? { ...own, worker: worker(pick) } : own
}

const hookUrl = (any: number): string => newWebhook(0, any).url

const videoOperations: Record<string, Operation> = {
  submit: (side, pick) =>
    side.ledger.submit(
      submission({
        _id: video(pick),
        priority: pick.n % 3,
        source: {
          sha256: sha('source'),
          bytes: 9,
          holders: [worker(pick)],
          ...(pick.any % 3 === 0 && { shared: { folder: 'f', path: `p${pick.n}`, mtime_ms: pick.n } }),
        },
        webhooks: pick.any % 2 ? [hookUrl(pick.n)] : [],
        delivery: pick.r
          ? {
              peer: worker(pick),
              dir: `/d${pick.n % 2}`,
              name: 'film',
              ...(pick.any % 2 === 0 && { shared: { folder: 'f', path: `d${pick.n % 2}` } }),
            }
          : null,
      }),
    ),
  startPlanning: ({ ledger }, pick) => ledger.startPlanning(video(pick)),
  commitPlan: (side, pick) =>
    side.ledger.commitPlan(plan(video(pick), { note: pick.r ? 'b' : '' }), side.at(pick.n + 0.5)),
  startMerging: ({ ledger }, pick) => ledger.startMerging(video(pick), pick.term),
  completeVideo: ({ ledger }, pick) => ledger.completeVideo(video(pick), [artifact('r')], pick.term),
  reopenVideo: ({ ledger }, pick) => ledger.reopenVideo(video(pick), pick.term),
  failVideo: ({ ledger }, pick) => ledger.failVideo(video(pick), 'no', pick.term),
  cancel: ({ ledger }, pick) => ledger.cancel(video(pick)),
  retry: ({ ledger }, pick) => ledger.retry(video(pick)),
  setPriority: ({ ledger }, pick) => ledger.setPriority(video(pick), pick.n % 3),
  setDeadline: (side, pick) => side.ledger.setDeadline(video(pick), pick.r ? side.at(pick.n + 0.5) : null),
  setDue: (side, pick) => side.ledger.setDue(video(pick), { due: side.at(pick.n - 0.5), term: pick.term }),
  nameDelivery: ({ ledger }, pick) =>
    ledger.nameDelivery(
      video(pick),
      { peer: worker(pick), dir: `/d${pick.n % 2}`, name: 'film', ...(pick.any % 2 && { term: pick.term }) },
      pick.r ? 'x' : `film-${video(pick)}`,
    ),
  finishDelivery: ({ ledger }, pick) =>
    ledger.finishDelivery(video(pick), {
      peer: worker(pick),
      dir: `/d${pick.n % 2}`,
      ...(pick.any % 2 && { term: pick.term }),
    }),
  addVideoHolder: ({ ledger }, pick) => ledger.addVideoHolder(video(pick), sha(pick.r ? 'source' : 'r'), worker(pick)),
  removeSourceHolder: ({ ledger }, pick) =>
    ledger.removeSourceHolder(video(pick), sha(pick.r ? 'source' : 'r'), worker(pick)),
}

const taskOperations: Record<string, Operation> = {
  insertTasks: async (side, pick) => {
    const of = await side.ledger.video(video(pick))
    if (!of) return 'no video'
    const tasks = Array.from({ length: 1 + (pick.any % 3) }, (_, n) =>
      chunk(of, (pick.n + n) % 3, {
        resolution: RESOLUTIONS[pick.r]!,
        due: side.at(pick.n + 0.5),
        ...(pick.any % 5 === 0 && { not_by: [worker(pick)], priority: IDLE_PRIORITY }),
      }),
    )
    return await side.ledger.insertTasks(tasks)
  },
  claimPending: (side, pick) => claimNext(side, pick, 'pending'),
  claimExpired: (side, pick) => claimNext(side, pick, 'expired'),
  claimBackup: (side, pick) => claimNext(side, pick, 'backup'),
  claimTask: (side, pick) =>
    claimed(
      side,
      worker(pick),
      side.ledger.claimTask({
        worker: worker(pick),
        token: token(`t${pick.any}`),
        task: task(pick),
        ...presentFor(pick),
        from: (['pending', 'free', 'backup'] as const)[pick.any % 3]!,
      }),
    ),
  renew: async (side, pick) => {
    const own = await attempt(side, pick)
    const all = side.held.filter((held) => held.worker === own.worker).slice(-3)
    return await side.ledger.renew(
      own.worker,
      all.map(({ task, attempt }) => ({ task, attempt })),
    )
  },
  complete: async (side, pick) =>
    await side.ledger.complete({
      ...(await attempt(side, pick)),
      output: output(`o${pick.any % 3}`),
      ...(pick.r ? { output_path: `p${pick.n}` } : {}),
    }),
  listParts: async (side, pick) => {
    const parts = Array.from({ length: 1 + pick.n }, (_, n) => part(n + 1 + (pick.any % 3), `p${pick.any % 2}`))
    return await side.ledger.listParts({ ...(await attempt(side, pick)), parts, instead: pick.r === 1 })
  },
  fail: async (side, pick) => {
    const failure = {
      code: 'encode_failed',
      message: 'm',
      log: null,
      strike: pick.any % 4 > 0,
      backoff_ms: pick.n === 0 ? 2.25 * HOUR : 0,
    } as const
    return await side.ledger.fail({ ...(await attempt(side, pick)), ...failure })
  },
  release: async (side, pick) => await side.ledger.release(await attempt(side, pick)),
  recut: ({ ledger }, pick) =>
    ledger.recut(
      task(pick),
      sha(pick.r ? `chunk ${pick.n % 3}` : 'new'),
      input(pick.r ? 'new' : `chunk ${pick.n % 3}`),
    ),
  addTaskHolder: ({ ledger }, pick) =>
    ledger.addTaskHolder(task(pick), sha(pick.r ? `chunk ${pick.n % 3}` : `o${pick.any % 3}`), worker(pick)),
  removeInputHolder: ({ ledger }, pick) =>
    ledger.removeInputHolder(task(pick), sha(pick.r ? `chunk ${pick.n % 3}` : 'new'), worker(pick)),
}

function claimNext(side: Side, pick: Choice, from: 'pending' | 'expired' | 'backup'): Promise<unknown> {
  const classes = pick.any % 4 > 0 ? CLASSES : CLASSES.filter((_, n) => pick.any & (1 << n))
  const unstruck = pick.any % 3 === 0
  const except = pick.any % 5 > 0 ? [] : [video(pick)]
  return claimed(
    side,
    worker(pick),
    side.ledger.claimNext({
      worker: worker(pick),
      token: token(`t${pick.any}`),
      classes,
      except,
      unstruck,
      ...presentFor(pick),
      from,
    }),
  )
}

const leaderOperations: Record<string, Operation> = {
  see: async (side, pick) => {
    side.seen.push(...(await side.ledger.claimsOf(worker(pick))))
    return side.seen.length
  },
  reclaim: (side, pick) =>
    side.ledger.reclaim(
      [of(side.seen.slice(-3), pick.any)].filter((one) => one !== undefined),
      { term: pick.term, strike: pick.r ? 'peer_died' : null },
    ),
  releaseClaims: (side, pick) => side.ledger.releaseClaims(side.seen.slice(-2 - pick.n)),
  wantBackup: async (side, pick) => {
    const found = await side.ledger.tasks({ statuses: ['PROCESSING'] })
    const one = of(found, pick.any)
    return (
      one &&
      (await side.ledger.wantBackup(one._id, { attempt: one.attempt - (pick.any % 7 === 0 ? 1 : 0), term: pick.term }))
    )
  },
  failTask: async (side, pick) => {
    const pending = await side.ledger.tasks({ statuses: ['PENDING'] })
    const struck = pending.filter(({ strikes }) => strikes.length > 0)
    const one = of(struck.length > 0 ? struck : pending, pick.any)
    return one && (await side.ledger.failTask(one._id, { strikes: Math.max(1, one.strikes.length), term: pick.term }))
  },
  loseOutput: async (side, pick) => {
    const one = of(await side.ledger.tasks({ statuses: ['COMPLETED'] }), pick.any)
    return (
      one &&
      (await side.ledger.loseOutput(one._id, {
        completed_attempt: one.completed_attempt! + (pick.any % 5 === 0 ? 1 : 0),
        term: pick.term,
      }))
    )
  },
  markAudits: async (side, pick) => {
    const done = await side.ledger.tasks({ statuses: ['COMPLETED'] })
    const [from, to] = pick.r ? (['undecided', 'chosen'] as const) : (['chosen', 'agreed'] as const)
    const some = done
      .slice(pick.n % 2)
      .map(({ _id, completed_attempt }) => ({ task: _id, attempt: completed_attempt! }))
    await side.ledger.markAudits(some, { from, to, term: pick.term })
    return (await side.ledger.tasks({ video: video(pick), audits: [to] })).map(({ _id }) => _id)
  },
  urgeIdleTasks: ({ ledger }, pick) => ledger.urgeIdleTasks(video(pick), { priority: pick.n % 3, term: pick.term }),
  acquireLease: ({ ledger }, pick) => ledger.acquireLease(worker(pick), `n${pick.any}`),
  acquireOther: ({ ledger }, pick) => ledger.acquireLease(worker(pick), `n${pick.any}`, OTHER_LEASES[pick.r]),
  setNote: ({ ledger }, pick) =>
    ledger.setNote({
      lease: OTHER_LEASES[pick.r]!,
      key: `$k${pick.n % 2}`,
      text: pick.any % 3 ? `${pick.any}` : null,
      term: pick.term,
    }),
  renewLease: async ({ ledger }, pick) => {
    const { holder, term } = await ledger.lease()
    return await ledger.renewLease(holder ?? worker(pick), term - pick.r)
  },
  releaseLease: async ({ ledger }, pick) => {
    const { holder, term } = await ledger.lease()
    return await ledger.releaseLease(pick.any % 2 > 0 && holder ? holder : worker(pick), term)
  },
  stampTerm: ({ ledger }, pick) => ledger.stampTerm(pick.term),
  sweep: ({ ledger }, pick) => ledger.sweep(pick.term),
  quarantine: async ({ ledger }, pick) => {
    const { quarantined_until } = await ledger.peer(worker(pick))
    const seen = pick.any % 3 === 0 ? null : quarantined_until
    return await ledger.quarantine(worker(pick), { ms: pick.n * HOUR, quarantines: pick.n, reason: '$why', seen })
  },
  outcomes: async ({ ledger }, pick) => (await ledger.outcomes(pick.n)).length,
  setPeer: ({ ledger }, pick) => ledger.setPeer(worker(pick), { paused: pick.r > 0 }),
  addEnginePeer: ({ ledger }, pick) => ledger.addEnginePeer(`engine ${pick.n % 2}`, worker(pick)),
  removeEnginePeer: ({ ledger }, pick) => ledger.removeEnginePeer(`engine ${pick.n % 2}`, worker(pick)),
  setWanted: ({ ledger }, pick) =>
    ledger.setWanted(`engine ${pick.n % 2}`, { wanted: pick.n, reason: `${pick.any}`, term: pick.term }),
  addEvent: ({ ledger }, pick) =>
    ledger.addEvent({ what: 'x', peer: worker(pick), video: video(pick), text: `${pick.any}` }),
  addWebhooks: ({ ledger }, pick) =>
    ledger.addWebhooks(
      [0, 1].map((n) => newWebhook(pick.n + n, pick.any)),
      pick.term,
    ),
  dueWebhooks: async ({ ledger }, pick) =>
    (await ledger.dueWebhooks(pick.any % 4 > 0 ? 100 : pick.n, pick.r ? [hookUrl(pick.any)] : [])).length,
  settleWebhook: async ({ ledger }, pick) => {
    const one = of(await ledger.webhooks({ limit: 100, states: ['waiting'] }), pick.any)
    if (!one) return null
    const state = (['waiting', 'delivered', 'failed'] as const)[pick.n % 3]!
    const attempts = one.attempts + (pick.any % 5 === 0 ? 1 : 0)
    return await ledger.settleWebhook(one._id, { attempts, state, answer: '$a', in_ms: pick.n * HOUR, term: pick.term })
  },
  resendWebhook: async ({ ledger }, pick) => {
    const one = of(await ledger.webhooks({ limit: 100 }), pick.any)
    return one && (await ledger.resendWebhook(one._id))
  },
  removeOldWebhooks: ({ ledger }) => ledger.removeOldWebhooks(),
  advance: (side, pick) => side.advance([1, 4, 11][pick.n % 3]!),
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...videoOperations,
  ...taskOperations,
  ...leaderOperations,
}

/** How often each is drawn; those not named once. What makes and moves tasks is the most interesting. */
const WEIGHTS: Readonly<Record<string, number>> = {
  submit: 4,
  commitPlan: 4,
  startMerging: 4,
  completeVideo: 4,
  reopenVideo: 4,
  retry: 6,
  insertTasks: 8,
  claimPending: 12,
  claimExpired: 6,
  claimBackup: 12,
  claimTask: 4,
  renew: 4,
  complete: 6,
  listParts: 6,
  fail: 6,
  release: 3,
  see: 6,
  reclaim: 6,
  releaseClaims: 3,
  wantBackup: 12,
  failTask: 4,
  loseOutput: 4,
  markAudits: 4,
  recut: 3,
  addTaskHolder: 3,
  removeInputHolder: 2,
  finishDelivery: 2,
  nameDelivery: 2,
  sweep: 4,
  addWebhooks: 2,
  settleWebhook: 4,
  advance: 4,
  renewLease: 2,
  quarantine: 2,
  releaseLease: 2,
}

const FIRST: Choice = { v: 0, term: 4, w: 0, n: 0, r: 1, any: 2 }
/** A video with tasks to begin with, so that the rest has something to work on. */
const BEGINNING = ['submit', 'commitPlan', 'insertTasks'].map((name) => [name, FIRST] as const)

/** Sequences of up to so many operations. */
export function operations(length: number): fc.Arbitrary<(readonly [string, Choice])[]> {
  const names = Object.keys(OPERATIONS).map((name) => ({ arbitrary: fc.constant(name), weight: WEIGHTS[name] ?? 1 }))
  const any = fc.array(fc.tuple(fc.oneof(...names), choice), { minLength: length / 2, maxLength: length, size: 'max' })
  return fc.oneof({ arbitrary: any.map((rest) => [...BEGINNING, ...rest]), weight: 4 }, { arbitrary: any, weight: 1 })
}
