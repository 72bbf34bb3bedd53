/** Converts between documents of the contract (times are ms) and BSON (times are dates). Pure. */
import type { Task } from '../../protocol/task.ts'
import type { Video } from '../../protocol/video.ts'
import type { Doc } from './store.ts'

/** INVARIANT: every string, number and object of other peers is a literal in a pipeline: `$5 lost` would be a field path there. */
export const lit = (value: unknown): { $literal: unknown } => ({ $literal: value })

export const date = (ms: number): Date => new Date(ms)
export const dateOrNull = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))

/** The same document with every date as ms; it is checked by its schema before it is used (check-documents.ts). */
export function fromBson(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  if (Array.isArray(value)) return value.map(fromBson)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromBson(one)]))
}

/** A task as it is inserted: no claims and no failures yet. */
export function newTaskDoc(task: Task): Doc {
  const { created_at, claimable_at, not_before, due } = task
  return {
    ...task,
    created_at: date(created_at),
    claimable_at: date(claimable_at),
    not_before: date(not_before),
    due: date(due),
  }
}

/** A video without `created_at`, which the ledger's clock fills in. */
export function newVideoDoc(video: Video): Doc {
  const { created_at: _created, due, deadline, ended_at, deliveries, ...rest } = video
  const dated = deliveries.map((delivery) => ({ ...delivery, done_at: dateOrNull(delivery.done_at) }))
  return { ...rest, due: date(due), deadline: dateOrNull(deadline), ended_at: dateOrNull(ended_at), deliveries: dated }
}
