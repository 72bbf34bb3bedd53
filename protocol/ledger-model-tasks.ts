/** The tasks of the reference model: the task table of `task.ts`, row by row, over a map. */
import type { PeerId, Sha256, TaskId, VideoId } from './ids.ts'
import type { Changed, HostRecord, Ledger, LedgerEvent, PeerRecord, SeenClaim } from './ledger.ts'
import { FAILURES_KEPT, HOLDERS_MAX, STRIKES_KEPT } from './limits.ts'
import type { Plan } from './plan.ts'
import { type Claim, type NewTask, type Strike, TASK_STATUSES, type Task, type TaskStatus } from './task.ts'
import type { HeldBlob, Video } from './video.ts'

export interface ModelOptions {
  now: () => number
  claimMs: number
  leaseMs: number
}

export interface ModelState {
  readonly options: ModelOptions
  readonly videos: Map<VideoId, Video>
  readonly plans: Map<string, Plan>
  readonly tasks: Map<string, Task>
  readonly peers: Map<PeerId, PeerRecord>
  readonly hosts: Map<string, HostRecord>
  readonly events: LedgerEvent[]
  lease: { holder: PeerId | null; nonce: string; term: number; expires_at: number }
}

export const copy = <T>(value: T): T => structuredClone(value)
export const changed = (held: boolean): Changed => (held ? 'changed' : 'unchanged')

/** Adds a holder as the newest; false when it is one already. */
export function addHolder(blob: HeldBlob | null, sha256: Sha256, peer: PeerId): boolean {
  if (!blob || blob.sha256 !== sha256 || blob.holders.includes(peer)) return false
  blob.holders = [...blob.holders, peer].slice(-HOLDERS_MAX)
  return true
}

type TaskMethod =
  | 'insertTasks' | 'task' | 'tasks' | 'progress' | 'pendingClasses' | 'recut' | 'addTaskHolder' | 'claimNext' | 'claimTask'
  | 'claimsByToken' | 'renew' | 'complete' | 'fail' | 'release' | 'claimsOf' | 'reclaim' | 'releaseSeen' | 'wantBackup'
  | 'failTask' | 'loseOutput' // biome-ignore format: a list

export interface ModelTasks {
  readonly ledger: Pick<Ledger, TaskMethod>
  insert(tasks: readonly NewTask[]): number
  all(video: VideoId): Task[]
  open(video: VideoId): Task[]
  cancel(video: VideoId): number
  revive(video: VideoId, from: readonly TaskStatus[]): number
  lose(id: TaskId, completedAttempt: number | null, term: number): boolean
}

export function modelTasks(state: ModelState): ModelTasks {
  const { tasks, options } = state
  const all = (video: VideoId) => [...tasks.values()].filter((task) => task.video_id === video)
  const open = (video: VideoId) => all(video).filter(({ status }) => status === 'PENDING' || status === 'PROCESSING')
  const own: Omit<ModelTasks, 'ledger'> = {
    all,
    open,
    insert: (batch) => {
      const fresh = batch.filter(({ _id }) => !tasks.has(_id))
      for (const task of fresh) tasks.set(task._id, newTask(task, options.now(), state.lease.term))
      return fresh.length
    },
    cancel: (video) => {
      const found = open(video)
      for (const task of found) Object.assign(task, { status: 'CANCELLED', claims: [], backup_wanted: false, claimable_at: task.not_before })
      return found.length
    },
    revive: (video, from) => {
      const found = all(video).filter(({ status }) => from.includes(status))
      for (const task of found) Object.assign(task, { status: 'PENDING', strikes: [], not_before: options.now(), claimable_at: options.now() })
      return found.length
    },
    lose: (id, completedAttempt, term) => {
      const task = tasks.get(id)
      if (task?.status !== 'COMPLETED' || task.coordinator_term > term) return false
      if (completedAttempt !== null && task.completed_attempt !== completedAttempt) return false
      const nothing = { output: null, outputs: [], output_path: null, completed_attempt: null, start_time: null, end_time: null, duration_ms: null }
      Object.assign(task, { status: 'PENDING', ...nothing, not_before: options.now(), claimable_at: options.now(), coordinator_term: term })
      return true
    },
  }
  return { ...own, ledger: { ...taskMethods(state, own), ...claimMethods(state), ...leaderMethods(state, own) } }
}

function newTask(task: NewTask, now: number, term: number): Task {
  return {
    ...copy(task), status: 'PENDING', worker_id: null, start_time: null, end_time: null, duration_ms: null, attempt: 0, speculative: false,
    output_path: null, created_at: now, output: null, outputs: [], claims: [], claimable_at: now, completed_attempt: null,
    coordinator_term: term, strikes: [], failures: [], backup_wanted: false, not_before: now,
  } // biome-ignore format: a list
}

/** The claims have changed: what follows for status and expiry. */
function settle(task: Task): void {
  task.claimable_at = Math.max(task.not_before, ...task.claims.map(({ expires_at }) => expires_at))
  task.status = task.claims.length > 0 ? 'PROCESSING' : 'PENDING'
  task.backup_wanted = false
}

const strikeTask = (task: Task, strike: Strike | null): void => {
  if (strike) task.strikes = [...task.strikes, strike].slice(-STRIKES_KEPT)
}

function taskMethods(state: ModelState, own: Omit<ModelTasks, 'ledger'>) {
  const { tasks, videos, options } = state
  const sorted = (found: Task[]) => found.sort((a, b) => (a._id < b._id ? -1 : 1))
  return {
    insertTasks: async (batch) => {
      const inserted = own.insert(batch)
      for (const { video_id } of batch) {
        if (['FAILED', 'CANCELLED'].includes(videos.get(video_id)?.status ?? '')) own.cancel(video_id)
      }
      return { inserted }
    },
    task: async (id) => copy(tasks.get(id) ?? null),
    tasks: async ({ video, kinds, statuses, worker, limit }) => {
      const found = [...tasks.values()].filter(
        (task) =>
          (video === undefined || task.video_id === video) &&
          (!kinds || kinds.includes(task.kind)) &&
          (!statuses || statuses.includes(task.status)) &&
          (worker === undefined || (task.status === 'PROCESSING' && task.claims.some(({ worker_id }) => worker_id === worker))),
      )
      return copy(sorted(found).slice(0, limit))
    },
    progress: async (ids) =>
      new Map(ids.map((id) => {
        const resolutions = [...new Set(own.all(id).map(({ resolution }) => resolution))]
        const rows = resolutions.flatMap((resolution) => TASK_STATUSES.map((status) => ({
          resolution, status, count: own.all(id).filter((task) => task.resolution === resolution && task.status === status).length,
        })))
        return [id, rows.filter(({ count }) => count > 0)]
      })), // biome-ignore format: nested
    pendingClasses: async () => {
      const now = options.now()
      const claimable = [...tasks.values()].filter(
        (task) => task.status === 'PENDING' || (task.status === 'PROCESSING' && (task.claimable_at <= now || task.backup_wanted)),
      )
      return [...new Set(claimable.map((task) => task.class))].sort()
    },
    recut: async (id, lost, input) => {
      const task = tasks.get(id)
      if (task?.status !== 'PENDING' || task.input?.sha256 !== lost) return 'unchanged'
      task.input = copy(input)
      return 'changed'
    },
    addTaskHolder: async (id, sha256, peer) => {
      const task = tasks.get(id)
      const added = task ? [task.input, task.output, ...task.outputs].map((blob) => addHolder(blob, sha256, peer)) : []
      return changed(added.includes(true))
    },
  } satisfies Partial<Ledger>
}

function claimMethods({ tasks, options }: ModelState) {
  const claim = (task: Task, worker: PeerId, token: Claim['token'], speculative: boolean) => {
    const fresh: Claim = { attempt: ++task.attempt, worker_id: worker, token, speculative, expires_at: options.now() + options.claimMs }
    task.claims = speculative ? [...task.claims, fresh] : [fresh]
    if (!speculative) Object.assign(task, { start_time: options.now(), speculative: false })
    task.worker_id = worker
    settle(task)
    return { outcome: 'claimed', attempt: task.attempt, task: copy(task) } as const
  }
  const due = (task: Task, from: 'pending' | 'expired') =>
    from === 'pending'
      ? task.status === 'PENDING' && task.not_before <= options.now()
      : task.status === 'PROCESSING' && task.claimable_at <= options.now()
  const backup = (task: Task, worker: PeerId) =>
    task.status === 'PROCESSING' && task.backup_wanted && task.claims.length === 1 && task.claims[0]?.worker_id !== worker
  const mine = (id: TaskId, attempt: number, worker: PeerId): Task | null => {
    const task = tasks.get(id)
    const held = task?.status === 'PROCESSING' && task.claims.some((one) => one.attempt === attempt && one.worker_id === worker)
    return held ? task : null
  }
  const drop = (task: Task, attempt: number) => {
    task.claims = task.claims.filter((one) => one.attempt !== attempt)
    settle(task)
  }
  return {
    claimNext: async ({ worker, token, classes, from }) => {
      const found = [...tasks.values()].filter(
        (task) => classes.includes(task.class) && (from === 'backup' ? backup(task, worker) : due(task, from)),
      )
      found.sort((a, b) => b.priority - a.priority || a.due - b.due || (a._id < b._id ? -1 : 1))
      return found[0] ? claim(found[0], worker, token, from === 'backup') : { outcome: 'none' }
    },
    claimTask: async ({ worker, token, task: id, allowExpired }) => {
      const task = tasks.get(id)
      const may = task && (due(task, 'pending') || (allowExpired && due(task, 'expired')))
      return may ? claim(task, worker, token, false) : { outcome: 'none' }
    },
    claimsByToken: async (token) =>
      copy([...tasks.values()].filter((task) => task.status === 'PROCESSING' && task.claims.some((one) => one.token === token))),
    renew: async (worker, attempts) => {
      const lost = attempts.filter(({ task, attempt }) => !mine(task, attempt, worker))
      for (const { task: id, attempt } of attempts) {
        const task = mine(id, attempt, worker)
        for (const one of task?.claims ?? []) if (one.attempt === attempt) one.expires_at = options.now() + options.claimMs
        if (task) task.claimable_at = Math.max(task.not_before, ...task.claims.map(({ expires_at }) => expires_at))
      }
      return { lost: [...lost] }
    },
    complete: async ({ task: id, attempt, worker, output, outputs, output_path }) => {
      const task = mine(id, attempt, worker)
      const earlier = tasks.get(id)
      if (!task) return earlier?.status === 'COMPLETED' && earlier.completed_attempt === attempt && earlier.worker_id === worker ? 'done' : 'superseded'
      const now = options.now()
      const { speculative } = task.claims.find((one) => one.attempt === attempt)!
      Object.assign(task, { status: 'COMPLETED', worker_id: worker, completed_attempt: attempt, end_time: now, speculative })
      Object.assign(task, { duration_ms: now - (task.start_time ?? now), output: copy(output), claims: [], backup_wanted: false })
      task.claimable_at = task.not_before
      if (outputs) task.outputs = copy(outputs)
      if (output_path !== undefined) task.output_path = output_path
      return 'done'
    },
    fail: async ({ task: id, attempt, worker, code, message, log, strike, backoff_ms }) => {
      const task = mine(id, attempt, worker)
      if (!task) return 'superseded'
      task.failures = [...task.failures, { attempt, worker_id: worker, code, message, log, at: options.now() }].slice(-FAILURES_KEPT)
      strikeTask(task, strike ? { code, worker_id: worker } : null)
      task.not_before = options.now() + backoff_ms
      drop(task, attempt)
      return 'done'
    },
    release: async ({ task: id, attempt, worker }) => {
      const task = mine(id, attempt, worker)
      if (task) drop(task, attempt)
      return task ? 'done' : 'superseded'
    },
  } satisfies Partial<Ledger>
}

function leaderMethods({ tasks }: ModelState, own: Omit<ModelTasks, 'ledger'>) {
  const endSeen = (claims: readonly SeenClaim[], term: number | null, code: Strike['code'] | null): TaskId[] => {
    const ended: TaskId[] = []
    for (const seen of claims) {
      const task = tasks.get(seen.task)
      const is = (one: Claim) =>
        one.attempt === seen.attempt && one.worker_id === seen.worker_id && one.token === seen.token && one.expires_at === seen.expires_at
      if (task?.status !== 'PROCESSING' || !task.claims.some(is) || (term !== null && task.coordinator_term > term)) continue
      task.claims = task.claims.filter((one) => !is(one))
      strikeTask(task, code && { code, worker_id: seen.worker_id })
      if (term !== null) task.coordinator_term = term
      settle(task)
      ended.push(task._id)
    }
    return ended
  }
  return {
    claimsOf: async (worker) => {
      const found = [...tasks.values()].sort((a, b) => (a._id < b._id ? -1 : 1)).filter(({ status }) => status === 'PROCESSING')
      return found.flatMap((task) => task.claims.filter(({ worker_id }) => worker_id === worker).map(({ attempt, worker_id, token, expires_at }) =>
        ({ task: task._id, attempt, worker_id, token, expires_at }))) // biome-ignore format: nested
    },
    reclaim: async (claims, { term, strike }) => endSeen(claims, term, strike),
    releaseSeen: async (claims) => endSeen(claims, null, null),
    wantBackup: async (id, { attempt, term }) => {
      const task = tasks.get(id)
      const may = task?.status === 'PROCESSING' && task.attempt === attempt && task.claims.length === 1 && task.coordinator_term <= term
      if (may) Object.assign(task, { backup_wanted: true, coordinator_term: term })
      return changed(may)
    },
    failTask: async (id, { strikes, term }) => {
      const task = tasks.get(id)
      const may = task?.status === 'PENDING' && task.strikes.length === strikes && task.coordinator_term <= term
      if (may) Object.assign(task, { status: 'FAILED', coordinator_term: term })
      return changed(may)
    },
    loseOutput: async (id, { completed_attempt, term }) => changed(own.lose(id, completed_attempt, term)),
  } satisfies Partial<Ledger>
}
