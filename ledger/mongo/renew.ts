/** Extends the claims of a worker's attempts in one bulk write. The compare is independent of clocks. */
import type { Document } from 'mongodb'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/task.ts'
import { after, CLAIMABLE, mine } from './pipeline.ts'
import type { Store } from './store.ts'

type Attempt = { task: TaskId; attempt: number }

/** Renews the claims; answers the attempts whose claims have ended. */
export async function renew(store: Store, worker: PeerId, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const writes = attempts.map(({ task, attempt }) => ({
    updateOne: { filter: mine({ task, attempt, worker }), update: [fresh(attempt, store.claimMs), CLAIMABLE] },
  }))
  const { matchedCount } = await store.run(() => store.chunks.bulkWrite(writes, { ordered: false }))
  return matchedCount === attempts.length ? [] : await lost(store, worker, attempts)
}

function fresh(attempt: number, claimMs: number): Document {
  const renewed = { $mergeObjects: ['$$claim', { expires_at: after(claimMs) }] }
  const one = { $cond: [{ $eq: ['$$claim.attempt', attempt] }, renewed, '$$claim'] }
  return { $set: { claims: { $map: { input: '$claims', as: 'claim', in: one } } } }
}

async function lost(store: Store, worker: PeerId, attempts: readonly Attempt[]): Promise<Attempt[]> {
  const ids = attempts.map(({ task }) => task)
  const filter = { _id: { $in: ids }, status: 'PROCESSING' }
  const found = await store.run(() => store.chunks.find(filter, { projection: { claims: 1 } }).toArray())
  const claims = new Map(found.map(({ _id, claims }) => [_id, claims as Task['claims']]))
  return attempts.filter(
    ({ task, attempt }) => !claims.get(task)?.some((claim) => claim.attempt === attempt && claim.worker_id === worker),
  )
}
