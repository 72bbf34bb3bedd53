/** Lists parts of what a running attempt makes, among the outputs of its task. */
import type { ListedParts } from '../steps.ts'
import { lit } from './bson.ts'
import { mine } from './pipeline.ts'
import type { Store } from './store.ts'

export async function listParts(store: Store, listed: ListedParts): Promise<boolean> {
  const { parts, instead } = listed
  const paths = parts.map(({ path }) => path)
  const compare = instead
    ? { outputs: { $not: { $elemMatch: { path: { $nin: paths } } } } }
    : { 'outputs.path': { $nin: paths } }
  const outputs = instead ? lit(parts) : { $concatArrays: ['$outputs', lit(parts)] }
  const filter = { ...mine(listed), ...compare }
  return (await store.run(() => store.chunks.updateOne(filter, [{ $set: { outputs } }]))).matchedCount === 1
}
