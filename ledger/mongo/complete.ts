/** PROCESSING → COMPLETED, by the worker of an attempt that is still among the claims. */
import type { Document } from 'mongodb'
import type { Completion } from '../steps.ts'
import { lit } from './bson.ts'
import { mine } from './pipeline.ts'
import type { Store } from './store.ts'

export async function complete(store: Store, done: Completion): Promise<boolean> {
  const { attempt, worker, output, outputs, output_path } = done
  const own = { $and: [{ $eq: ['$$claim.attempt', attempt] }, '$$claim.speculative'] }
  const set: Document = {
    status: 'COMPLETED',
    worker_id: lit(worker),
    completed_attempt: attempt,
    end_time: '$$NOW',
    duration_ms: { $max: [0, { $toInt: { $min: [2 ** 31 - 1, { $subtract: ['$$NOW', '$start_time'] }] } }] },
    output: lit(withoutUndefined(output)),
    claims: [],
    backup_wanted: false,
    claimable_at: '$not_before',
    speculative: { $anyElementTrue: { $map: { input: '$claims', as: 'claim', in: own } } },
  }
  if (outputs !== undefined) set.outputs = lit(outputs)
  if (output_path !== undefined) set.output_path = lit(output_path)
  return (await store.run(() => store.chunks.updateOne(mine(done), [{ $set: set }]))).matchedCount === 1
}

const withoutUndefined = (output: Completion['output']): unknown =>
  output && Object.fromEntries(Object.entries(output).filter(([, value]) => value !== undefined))
