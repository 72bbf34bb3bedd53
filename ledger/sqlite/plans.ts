/** Plan documents: inserted before the compare that commits one, never changed. */
import type { Sha256, VideoId } from '../../protocol/ids.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Store } from './store.ts'

const INSERT = 'INSERT INTO plans (_id, plan) VALUES (:id, :plan) ON CONFLICT(_id) DO NOTHING'

export async function insertPlan(store: Store, id: VideoId, sha256: Sha256, plan: Plan): Promise<void> {
  // The video that names it is written next, and syncs it.
  await store.write('light', INSERT, { id: `${id}/${sha256}`, plan: JSON.stringify(plan) })
}

export async function readPlan(store: Store, id: VideoId, sha256: Sha256): Promise<Plan | null> {
  const [row] = await store.read('SELECT plan FROM plans WHERE _id=:id', { id: `${id}/${sha256}` })
  return row ? store.documents.plan(String(row.plan), id, sha256) : null
}
