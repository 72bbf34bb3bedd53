/**
 * PENDING, or PROCESSING with all claims expired, or a wanted backup → claimed: one call, in which the database picks the first task. Picking in
 * the server was faster than every way of reading first (docs/ledger.md §2); a claim whose reply is lost is found again by its token.
 */
import type { Document, FindOneAndUpdateOptions, Sort } from 'mongodb'
import type { Task } from '../../protocol/task.ts'
import type { ClaimAsk, Claimed, ClaimSource, NextAsk } from '../steps.ts'
import { fromBson } from './bson.ts'
import { start, startBackup } from './pipeline.ts'
import { claimsByToken } from './read-tasks.ts'
import type { Doc, Store } from './store.ts'

/** A document whose number of attempts is none would fail the command, and hide all tasks after it. */
const IS_NUMBER = { $type: 'number' }
const ORDER: Sort = { priority: -1, due: 1, rank: 1, _id: 1 }
const HINT = { pending: 'claim', expired: 'expired', backup: 'backup' } as const

export function claimable(from: ClaimSource, { worker }: ClaimAsk): Document {
  if (from === 'pending') return { status: 'PENDING', $expr: { $lte: ['$not_before', '$$NOW'] } }
  if (from === 'expired') return { status: 'PROCESSING', $expr: { $lte: ['$claimable_at', '$$NOW'] } }
  return { status: 'PROCESSING', backup_wanted: true, claims: { $size: 1 }, 'claims.worker_id': { $ne: worker } }
}

/** The task has no input, or one of the present peers holds it. */
export const hasInput = ({ present }: ClaimAsk): Document =>
  present ? { $or: [{ input: null }, { 'input.holders': { $in: present } }] } : {}

export async function claimNext(
  store: Store,
  { classes, except = [], unstruck, from, ...ask }: NextAsk,
): Promise<Claimed | null> {
  const isAllowed = { not_by: { $ne: ask.worker } }
  const filter: Document = {
    ...claimable(from, ask),
    class: { $in: classes },
    ...isAllowed,
    ...hasInput(ask),
    attempt: IS_NUMBER,
  }
  if (except.length > 0) filter.video_id = { $nin: except }
  if (unstruck) filter['strikes.worker_id'] = { $ne: ask.worker }
  const pipeline = from === 'backup' ? startBackup(ask, store.claimMs) : start(ask, store.claimMs)
  const options: FindOneAndUpdateOptions = {
    sort: ORDER,
    hint: HINT[from] as unknown as Document,
    returnDocument: 'after',
  }
  // An index may be named; the driver's types know only its keys.
  const claim = async () => claimed(store, await store.chunks.findOneAndUpdate(filter, pipeline, options), ask)
  return await store.run(
    claim,
    async () => (await claimsByToken(store, ask.token)).map((task) => own(task, ask)).find(Boolean) ?? undefined,
  )
}

export const claimed = ({ documents }: Store, found: Doc | null, ask: ClaimAsk): Claimed | null =>
  own(found ? documents.task(fromBson(found)) : null, ask)

/** The claim with this token on the task; null without one. */
function own(task: Task | null, { worker, token }: ClaimAsk): Claimed | null {
  const claim = task?.claims.findLast((one) => one.token === token && one.worker_id === worker)
  return task && claim ? { attempt: claim.attempt, task } : null
}
