/** The tasks of the reference model: the task table of `task.ts`, row by row, over a map. */
import type { VideoId } from '../../ids.ts'
import type { Ledger } from '../../ledger.ts'
import { initialTask, type Task } from '../../task.ts'
import { claimMethods, leaderMethods } from './claims.ts'
import { addHolder, changed, copy, heldBySome, type ModelState, type ModelTaskSteps } from './state.ts'

type TaskMethod =
  | 'insertTasks'
  | 'task'
  | 'tasks'
  | 'progress'
  | 'completedSince'
  | 'outcomes'
  | 'pendingClasses'
  | 'recut'
  | 'addTaskHolder'
  | 'removeInputHolder'
  | 'claimNext'
  | 'claimTask'
  | 'claimsByToken'
  | 'renew'
  | 'complete'
  | 'listParts'
  | 'fail'
  | 'release'
  | 'claimsOf'
  | 'reclaim'
  | 'releaseClaims'
  | 'wantBackup'
  | 'failTask'
  | 'loseOutput'
  | 'markAudits'
  | 'urgeIdleTasks'

export interface ModelTasks extends ModelTaskSteps {
  readonly ledger: Pick<Ledger, TaskMethod>
}

export function modelTasks(state: ModelState): ModelTasks {
  const { tasks, options } = state
  const all = (video: VideoId) => [...tasks.values()].filter((task) => task.video_id === video)
  const open = (video: VideoId) => all(video).filter(({ status }) => status === 'PENDING' || status === 'PROCESSING')
  const own: ModelTaskSteps = {
    all,
    open,
    insert: (batch) => {
      const fresh = batch.filter(({ _id }) => !tasks.has(_id))
      for (const task of fresh)
        tasks.set(task._id, initialTask(copy(task), options.now(), state.leases.get('coordinator')?.term ?? 0))
      return fresh.length
    },
    cancel: (video) => {
      const found = open(video)
      for (const task of found)
        Object.assign(task, { status: 'CANCELLED', claims: [], backup_wanted: false, claimable_at: task.not_before })
      return found.length
    },
    revive: (video, from) => {
      const found = all(video).filter(({ status }) => from.includes(status))
      for (const task of found)
        Object.assign(task, { status: 'PENDING', strikes: [], not_before: options.now(), claimable_at: options.now() })
      return found.length
    },
    lose: (id, completedAttempt, term) => {
      const task = tasks.get(id)
      if (task?.status !== 'COMPLETED' || task.coordinator_term > term) return false
      if (completedAttempt !== null && task.completed_attempt !== completedAttempt) return false
      const nothing = {
        output: null,
        outputs: [],
        output_path: null,
        completed_attempt: null,
        start_time: null,
        end_time: null,
        duration_ms: null,
        audit: 'undecided',
      }
      Object.assign(task, {
        status: 'PENDING',
        ...nothing,
        not_before: options.now(),
        claimable_at: options.now(),
        coordinator_term: term,
      })
      return true
    },
  }
  return { ...own, ledger: { ...taskMethods(state, own), ...claimMethods(state), ...leaderMethods(state, own) } }
}

function taskMethods(state: ModelState, own: ModelTaskSteps) {
  const { tasks, videos, options } = state
  const sorted = (found: Task[], byRank: boolean) =>
    found.sort((a, b) => (byRank ? a.rank - b.rank : 0) || (a._id < b._id ? -1 : 1))
  return {
    insertTasks: async (batch) => {
      const inserted = own.insert(batch)
      for (const { video_id } of batch) {
        if (['FAILED', 'CANCELLED'].includes(videos.get(video_id)?.status ?? '')) own.cancel(video_id)
      }
      return { inserted }
    },
    task: async (id) => copy(tasks.get(id) ?? null),
    tasks: async ({ video, videos: some, kinds, statuses, worker, tried, audits, heldByNoneOf, limit }) => {
      const found = [...tasks.values()].filter(
        (task) =>
          (video === undefined || task.video_id === video) &&
          (some === undefined || some.includes(task.video_id)) &&
          (!kinds || kinds.includes(task.kind)) &&
          (!statuses || statuses.includes(task.status)) &&
          (!tried || task.attempt > 0) &&
          (!heldByNoneOf || (task.input !== null && !heldBySome(task, heldByNoneOf))) &&
          (!audits || audits.includes(task.audit)) &&
          (worker === undefined ||
            (task.status === 'PROCESSING' && task.claims.some(({ worker_id }) => worker_id === worker))),
      )
      return copy(sorted(found, video !== undefined).slice(0, limit))
    },
    completedSince: async (since) => {
      const ended = [...tasks.values()].filter((task) => task.status === 'COMPLETED' && task.end_time! >= since)
      return [...new Set(ended.map(({ video_id }) => video_id))]
    },
    outcomes: async (limit) =>
      [...tasks.values()]
        .filter(({ status }) => status === 'COMPLETED')
        .sort((a, b) => b.end_time! - a.end_time! || (a._id < b._id ? -1 : 1))
        .slice(0, limit)
        .map(({ _id, kind, worker_id, end_time, failures }) => copy({ _id, kind, worker_id, end_time, failures })),
    progress: async (ids) =>
      new Map(
        ids.map((id) => {
          const parts = Map.groupBy(own.all(id), ({ kind, resolution, status }) => `${kind}/${resolution}/${status}`)
          const rows = [...parts.values()].map((tasks) => {
            const { kind, resolution, status } = tasks[0]!
            return { kind, resolution, status, count: tasks.length }
          })
          return [id, rows]
        }),
      ),
    pendingClasses: async () => {
      const now = options.now()
      const claimable = [...tasks.values()].filter(
        (task) =>
          task.status === 'PENDING' ||
          (task.status === 'PROCESSING' && (task.claimable_at <= now || task.backup_wanted)),
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
    removeInputHolder: async (id, sha256, peer) => {
      const task = tasks.get(id)
      const isOpen = task?.status === 'PENDING' || task?.status === 'PROCESSING'
      if (!isOpen || task.input?.sha256 !== sha256 || !task.input.holders.includes(peer)) return 'unchanged'
      task.input.holders = task.input.holders.filter((held) => held !== peer)
      return 'changed'
    },
  } satisfies Partial<Ledger>
}
