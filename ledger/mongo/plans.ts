/** Plan documents: inserted before the compare that commits one, never changed. */
import type { Sha256, VideoId } from '../../protocol/ids.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Store } from './store.ts'

export async function insertPlan(store: Store, id: VideoId, sha256: Sha256, plan: Plan): Promise<void> {
  // In a field of its own: the database puts the fields of an update into an order of its own, and the plan's name is the hash of its text.
  const insert = { $setOnInsert: { plan } }
  await store.run(() => store.plans.updateOne({ _id: `${id}/${sha256}` }, insert, { upsert: true }))
}

export async function readPlan(store: Store, id: VideoId, sha256: Sha256): Promise<Plan | null> {
  const found = await store.run(() => store.plans.findOne({ _id: `${id}/${sha256}` }))
  return found && store.documents.plan(JSON.stringify(found.plan ?? null), id, sha256)
}
