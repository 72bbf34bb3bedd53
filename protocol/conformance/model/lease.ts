/** The lease, the term and the sweep of the reference model. */
import type { PeerId } from '../../ids.ts'
import type { Lease, LeaseName, Ledger } from '../../ledger.ts'
import { IDLE_PRIORITY, maxAheadMs } from '../../limits.ts'
import { requiredTasks, type Task, taskDue } from '../../task.ts'
import { isOpen, isUndelivered, type Video } from '../../video.ts'
import { changed, type ModelLease, type ModelState } from './state.ts'
import type { ModelTasks } from './tasks.ts'

export function leases(state: ModelState, tasks: ModelTasks) {
  const { options, videos } = state
  const of = (name: LeaseName): ModelLease => {
    const lease = state.leases.get(name) ?? { holder: null, nonce: '', term: 0, expires_at: 0 }
    state.leases.set(name, lease)
    return lease
  }
  const shown = (name: LeaseName): Lease => {
    const { holder, nonce, term, expires_at } = of(name)
    return { holder, nonce, term, remaining_ms: Math.max(0, expires_at - options.now()) }
  }
  const holds = (me: PeerId, term: number, name: LeaseName): boolean => of(name).holder === me && of(name).term === term
  const stamp = (term: number): number => {
    let stamped = 0
    for (const one of state.webhooks.values()) {
      if (one.state !== 'waiting' || one.coordinator_term >= term) continue
      one.coordinator_term = term
      stamped++
    }
    for (const video of videos.values()) {
      const alive = isOpen(video.status) || (video.status === 'COMPLETED' && isUndelivered(video))
      const lower = alive ? [video, ...tasks.all(video._id)].filter((one) => one.coordinator_term < term) : []
      for (const one of lower) one.coordinator_term = term
      stamped += lower.length
    }
    return stamped
  }
  return {
    acquireLease: async (me, nonce, name = 'coordinator') => {
      const latest = options.now() + options.leaseMs
      const lease = of(name)
      if (lease.expires_at <= options.now())
        Object.assign(lease, { holder: me, nonce, term: lease.term + 1, expires_at: latest })
      else lease.expires_at = Math.min(lease.expires_at, latest)
      return shown(name)
    },
    renewLease: async (me, term, name = 'coordinator') => {
      if (holds(me, term, name)) of(name).expires_at = options.now() + options.leaseMs
      return holds(me, term, name) ? 'renewed' : 'deposed'
    },
    releaseLease: async (me, term, name = 'coordinator') => {
      const held = holds(me, term, name)
      if (held) Object.assign(of(name), { holder: null, expires_at: options.now() })
      return changed(held)
    },
    lease: async (name = 'coordinator') => shown(name),
    setNote: async ({ lease, key, text, term }) => {
      const id = JSON.stringify([lease, key])
      const known = state.notes.get(id)
      if (known ? known.term > term : text === null) return 'unchanged'
      if (text === null) state.notes.delete(id)
      else state.notes.set(id, { text, term })
      return 'changed'
    },
    notes: async (lease) => {
      const mine = [...state.notes].map(([id, { text }]) => [...(JSON.parse(id) as [string, string]), text] as const)
      return new Map(mine.filter(([of]) => of === lease).map(([, key, text]) => [key, text]))
    },
    stampTerm: async (term) => void stamp(term),
    sweep: async (term) => ({ repaired: sweepTasks(state, tasks, term) + stamp(term) }),
  } satisfies Partial<Ledger>
}

/** What the sweep finds where no event was torn: tasks inserted after their video had ended, or with old values. */
function sweepTasks({ videos, options }: ModelState, tasks: ModelTasks, term: number): number {
  let repaired = 0
  for (const video of videos.values()) {
    if (isEnded(video) || (video.status === 'COMPLETED' && video.coordinator_term <= term))
      repaired += tasks.cancel(video._id)
    if (!isOpen(video.status)) continue
    repaired += tasks.revive(video._id, ['CANCELLED'])
    repaired += tasks.insert(requiredTasks(video))
    repaired += alignTasks(tasks.open(video._id), video, { term, options })
  }
  return repaired
}

/** Priority, due and times of open tasks as those of their video. Answers how many changes. */
export function alignTasks(
  open: readonly Task[],
  video: Video,
  { term, options }: { term: number; options: ModelState['options'] },
): number {
  let aligned = 0
  for (const task of open) {
    if (task.coordinator_term <= term && clampTimes(task, options)) aligned++
    const due = taskDue(video, task.kind)
    if (task.priority === IDLE_PRIORITY) continue
    if (task.coordinator_term > term || (task.priority === video.priority && task.due === due)) continue
    Object.assign(task, { priority: video.priority, due, coordinator_term: term })
    aligned++
  }
  return aligned
}

/** Times that a clock which was set back has left far ahead. */
function clampTimes(task: Task, { now, claimMs }: ModelState['options']): boolean {
  if (task.claimable_at <= now() + maxAheadMs(claimMs)) return false
  const latest = now() + claimMs
  for (const claim of task.claims) claim.expires_at = Math.min(claim.expires_at, latest)
  task.not_before = Math.min(task.not_before, now())
  task.claimable_at = task.claims.length > 0 ? latest : now()
  return true
}

const isEnded = ({ status }: Video): boolean => status === 'FAILED' || status === 'CANCELLED'
