/** PENDING (or all claims run out) → claimed: this very task. */
import type { Document } from 'mongodb'
import type { TaskId } from '../../../protocol/ids.ts'
import type { ClaimAsk, Claimed } from '../steps.ts'
import { claimed } from './claim-next.ts'
import { start } from './pipeline.ts'
import type { Store } from './store.ts'

const PENDING: Document = { status: 'PENDING', $expr: { $lte: ['$not_before', '$$NOW'] } }
const EXPIRED: Document = { status: 'PROCESSING', $expr: { $lte: ['$claimable_at', '$$NOW'] } }

export async function claimTask(
  store: Store,
  { task: _id, allowExpired, ...ask }: ClaimAsk & { task: TaskId; allowExpired: boolean },
): Promise<Claimed | null> {
  const filter = allowExpired ? { _id, $or: [PENDING, EXPIRED] } : { _id, ...PENDING }
  const claim = async () =>
    claimed(await store.chunks.findOneAndUpdate(filter, start(ask, store.claimMs), { returnDocument: 'after' }), ask)
  return await store.run(claim, async () => claimed(await store.chunks.findOne({ _id }), ask) ?? undefined)
}
