/** Marks the open deliveries of this peer and folder (and name, where given) as done. */
import type { VideoId } from '../../protocol/ids.ts'
import type { Finished } from '../steps.ts'
import { DELIVERY_TERM, withTerm } from './fragments.ts'
import type { Store } from './store.ts'

const SAME = `value ->> 'peer' = :peer AND value ->> 'dir' = :dir AND (:name IS NULL OR value ->> 'name' = :name)
  AND value ->> 'done_at' IS NULL AND ${DELIVERY_TERM}`

const FINISH = `UPDATE videos SET deliveries=
    (SELECT json_group_array(json(iif(${SAME}, ${withTerm(`json_set(value, '$.done_at', :now)`)}, value)) ORDER BY key) FROM json_each(deliveries))
  WHERE _id=:id AND EXISTS (SELECT 1 FROM json_each(deliveries) WHERE ${SAME}) RETURNING _id`

export async function finishDelivery(store: Store, id: VideoId, { peer, dir, name, term }: Finished): Promise<boolean> {
  const asked = { id, peer, dir, name: name ?? null, term: term ?? null }
  return (await store.write('sure', FINISH, asked)).length > 0
}
