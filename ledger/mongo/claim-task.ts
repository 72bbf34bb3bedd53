/** PENDING (or all claims expired, or a wanted backup) → claimed: one given task. */
import type { Document } from 'mongodb'
import type { TaskId } from '../../protocol/ids.ts'
import type { ClaimAsk, Claimed, TaskClaimSource } from '../steps.ts'
import { claimable, claimed, hasInput } from './claim-next.ts'
import { start, startBackup } from './pipeline.ts'
import type { Store } from './store.ts'

const states = (from: TaskClaimSource, ask: ClaimAsk): Document =>
  from === 'free' ? { $or: [claimable('pending', ask), claimable('expired', ask)] } : claimable(from, ask)

export async function claimTask(
  store: Store,
  { task: _id, from, ...ask }: ClaimAsk & { task: TaskId; from: TaskClaimSource },
): Promise<Claimed | null> {
  const pipeline = from === 'backup' ? startBackup(ask, store.claimMs) : start(ask, store.claimMs)
  const filter = { _id, not_by: { $ne: ask.worker }, $and: [states(from, ask), hasInput(ask)] }
  const claim = async () =>
    claimed(store, await store.chunks.findOneAndUpdate(filter, pipeline, { returnDocument: 'after' }), ask)
  return await store.run(claim, async () => claimed(store, await store.chunks.findOne({ _id }), ask) ?? undefined)
}
