/** Claims and the leader's decisions in the reference model: the rows of the task table that are about attempts. */
import type { Artifact } from '../../artifact.ts'
import type { PeerId, TaskId } from '../../ids.ts'
import type { Ledger, ObservedClaim } from '../../ledger.ts'
import { FAILURES_MAX, IDLE_PRIORITY, STRIKES_MAX } from '../../limits.ts'
import type { Claim, Strike, Task } from '../../task.ts'
import { changed, copy, heldBySome, type ModelState, type ModelTaskSteps } from './state.ts'

/** The claims have changed: what follows for status and expiry. */
function settle(task: Task): void {
  task.claimable_at = Math.max(task.not_before, ...task.claims.map(({ expires_at }) => expires_at))
  task.status = task.claims.length > 0 ? 'PROCESSING' : 'PENDING'
  task.backup_wanted = false
}

const strikeTask = (task: Task, strike: Strike | null): void => {
  if (strike) task.strikes = [...task.strikes, strike].slice(-STRIKES_MAX)
}

export function claimMethods({ tasks, options }: ModelState) {
  const claim = (task: Task, worker: PeerId, token: Claim['token'], speculative: boolean) => {
    const fresh: Claim = {
      attempt: ++task.attempt,
      worker_id: worker,
      token,
      speculative,
      expires_at: options.now() + options.claimMs,
    }
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
    task.status === 'PROCESSING' &&
    task.backup_wanted &&
    task.claims.length === 1 &&
    task.claims[0]?.worker_id !== worker
  const mine = (id: TaskId, attempt: number, worker: PeerId): Task | null => {
    const task = tasks.get(id)
    const held =
      task?.status === 'PROCESSING' && task.claims.some((one) => one.attempt === attempt && one.worker_id === worker)
    return held ? task : null
  }
  const drop = (task: Task, attempt: number) => {
    task.claims = task.claims.filter((one) => one.attempt !== attempt)
    settle(task)
  }
  return {
    claimNext: async ({ worker, token, classes, except = [], unstruck, present, from }) => {
      const found = [...tasks.values()].filter(
        (task) =>
          classes.includes(task.class) &&
          !task.not_by.includes(worker) &&
          !except.includes(task.video_id) &&
          !(unstruck && task.strikes.some(({ worker_id }) => worker_id === worker)) &&
          (!present || heldBySome(task, present)) &&
          (from === 'backup' ? backup(task, worker) : due(task, from)),
      )
      found.sort((a, b) => b.priority - a.priority || a.due - b.due || a.rank - b.rank || (a._id < b._id ? -1 : 1))
      return found[0] ? claim(found[0], worker, token, from === 'backup') : { outcome: 'none' }
    },
    claimTask: async ({ worker, token, task: id, present, from }) => {
      const task = tasks.get(id)
      if (!task || task.not_by.includes(worker) || (present && !heldBySome(task, present))) return { outcome: 'none' }
      const isBackup = from === 'backup'
      const isFree = due(task, 'pending') || (from === 'free' && due(task, 'expired'))
      return (isBackup ? backup(task, worker) : isFree) ? claim(task, worker, token, isBackup) : { outcome: 'none' }
    },
    claimsByToken: async (token) =>
      copy(
        [...tasks.values()].filter(
          (task) => task.status === 'PROCESSING' && task.claims.some((one) => one.token === token),
        ),
      ),
    renew: async (worker, attempts) => {
      const lost = attempts.filter(({ task, attempt }) => !mine(task, attempt, worker))
      for (const { task: id, attempt } of attempts) {
        const task = mine(id, attempt, worker)
        for (const one of task?.claims ?? [])
          if (one.attempt === attempt) one.expires_at = options.now() + options.claimMs
        if (task) task.claimable_at = Math.max(task.not_before, ...task.claims.map(({ expires_at }) => expires_at))
      }
      return { lost: [...lost] }
    },
    complete: async ({ task: id, attempt, worker, output, outputs, output_path }) => {
      const task = mine(id, attempt, worker)
      const earlier = tasks.get(id)
      if (!task)
        return earlier?.status === 'COMPLETED' && earlier.completed_attempt === attempt && earlier.worker_id === worker
          ? 'done'
          : 'superseded'
      const now = options.now()
      const { speculative } = task.claims.find((one) => one.attempt === attempt)!
      Object.assign(task, {
        status: 'COMPLETED',
        worker_id: worker,
        completed_attempt: attempt,
        end_time: now,
        speculative,
      })
      Object.assign(task, {
        duration_ms: now - (task.start_time ?? now),
        output: copy(output),
        claims: [],
        backup_wanted: false,
      })
      task.claimable_at = task.not_before
      if (outputs) task.outputs = copy(outputs)
      if (output_path !== undefined) task.output_path = output_path
      return 'done'
    },
    listParts: async ({ task: id, attempt, worker, parts, instead }) => {
      const task = mine(id, attempt, worker)
      if (!task) return 'superseded'
      const given = new Map(parts.map(({ path, sha256 }) => [path, sha256]))
      const isIn = ({ path }: Artifact) => given.has(path)
      if (instead ? task.outputs.every(isIn) : !task.outputs.some(isIn)) {
        task.outputs = copy([...(instead ? [] : task.outputs), ...parts])
        return 'done'
      }
      const there = new Map(task.outputs.map(({ path, sha256 }) => [path, sha256]))
      return [...given].every(([path, sha256]) => there.get(path) === sha256) ? 'done' : 'superseded'
    },
    fail: async ({ task: id, attempt, worker, code, message, log, strike, backoff_ms }) => {
      const task = mine(id, attempt, worker)
      if (!task) return 'superseded'
      task.failures = [...task.failures, { attempt, worker_id: worker, code, message, log, at: options.now() }].slice(
        -FAILURES_MAX,
      )
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

export function leaderMethods({ tasks }: ModelState, own: ModelTaskSteps) {
  const endSeen = (claims: readonly ObservedClaim[], term: number | null, code: Strike['code'] | null): TaskId[] => {
    const ended: TaskId[] = []
    for (const seen of claims) {
      const task = tasks.get(seen.task)
      const is = (one: Claim) =>
        one.attempt === seen.attempt &&
        one.worker_id === seen.worker_id &&
        one.token === seen.token &&
        one.expires_at === seen.expires_at
      if (task?.status !== 'PROCESSING' || !task.claims.some(is) || (term !== null && task.coordinator_term > term))
        continue
      task.claims = task.claims.filter((one) => !is(one))
      strikeTask(task, code && { code, worker_id: seen.worker_id, attempt: seen.attempt })
      if (term !== null) task.coordinator_term = term
      settle(task)
      ended.push(task._id)
    }
    return ended
  }
  return {
    claimsOf: async (worker) => {
      const found = [...tasks.values()]
        .sort((a, b) => (a._id < b._id ? -1 : 1))
        .filter(({ status }) => status === 'PROCESSING')
      return found.flatMap((task) =>
        task.claims
          .filter(({ worker_id }) => worker_id === worker)
          .map(({ attempt, worker_id, token, expires_at }) => ({
            task: task._id,
            attempt,
            worker_id,
            token,
            expires_at,
          })),
      )
    },
    reclaim: async (claims, { term, strike }) => endSeen(claims, term, strike),
    releaseClaims: async (claims) => endSeen(claims, null, null),
    wantBackup: async (id, { attempt, term }) => {
      const task = tasks.get(id)
      const may =
        task?.status === 'PROCESSING' &&
        task.attempt === attempt &&
        task.claims.length === 1 &&
        task.coordinator_term <= term
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
    markAudits: async (all, { from, to, term }) => {
      const found = all.flatMap(({ task: id, attempt }) => {
        const task = tasks.get(id)
        const may = task?.status === 'COMPLETED' && task.completed_attempt === attempt && task.audit === from
        return task && may && task.coordinator_term <= term ? [task] : []
      })
      for (const task of found) Object.assign(task, { audit: to, coordinator_term: term })
      return { marked: found.length }
    },
    urgeIdleTasks: async (id, { priority, term }) => {
      const idle = own.open(id).filter((task) => task.priority === IDLE_PRIORITY && task.coordinator_term <= term)
      for (const task of idle) Object.assign(task, { priority, coordinator_term: term })
      return { urged: idle.length }
    },
  } satisfies Partial<Ledger>
}
