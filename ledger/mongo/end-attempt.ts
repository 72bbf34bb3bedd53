/** PROCESSING → PENDING, or PROCESSING with the other claim: a worker's own fail (failure, maybe strike, backoff) or release. */
import type { Document } from 'mongodb'
import { FAILURES_MAX, STRIKES_MAX } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'
import type { AttemptEnd } from '../steps.ts'
import { lit } from './bson.ts'
import { after, appended, claimsWithout, mine, SETTLE } from './pipeline.ts'
import { readTask } from './read-tasks.ts'
import type { Store } from './store.ts'

export async function endAttempt(store: Store, end: AttemptEnd): Promise<boolean> {
  const { attempt, worker, failure, strike, backoff_ms } = end
  const set: Document = { claims: claimsWithout({ $eq: ['$$claim.attempt', attempt] }) }
  if (failure) {
    set.failures = appended('$failures', { $mergeObjects: [lit(failure), { at: '$$NOW' }] }, FAILURES_MAX)
    set.not_before = after(Math.ceil(backoff_ms))
  }
  if (strike) set.strikes = appended('$strikes', lit({ code: strike, worker_id: worker }), STRIKES_MAX)
  const update = async () => (await store.chunks.updateOne(mine(end), [{ $set: set }, ...SETTLE])).matchedCount === 1
  return await store.run(update, async () => (isEnded(end, await readTask(store, end.task)) ? true : undefined))
}

/** After a lost reply: whether the attempt has ended, and, where it failed, its failure is recorded. */
function isEnded({ attempt, worker, failure }: AttemptEnd, task: Task | null): boolean {
  if (!task || task.status === 'COMPLETED' || task.claims.some((claim) => claim.attempt === attempt)) return false
  return !failure || task.failures.some((one) => one.attempt === attempt && one.worker_id === worker)
}
