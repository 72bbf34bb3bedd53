/** Fixes the file name of an open delivery; the compare is the name it has. */
import type { VideoId } from '../../protocol/ids.ts'
import type { DeliveryKey } from '../../protocol/video.ts'
import { DELIVERY_TERM, withTerm } from './fragments.ts'
import type { Store } from './store.ts'

const SAME = `value ->> 'peer' = :peer AND value ->> 'dir' = :dir AND value ->> 'name' = :old AND value ->> 'done_at' IS NULL
  AND ${DELIVERY_TERM}`

const NAME = `UPDATE videos SET deliveries=
    (SELECT json_group_array(json(iif(${SAME}, ${withTerm(`json_set(value, '$.name', :name)`)}, value)) ORDER BY key) FROM json_each(deliveries))
  WHERE _id=:id AND EXISTS (SELECT 1 FROM json_each(deliveries) WHERE ${SAME}) RETURNING _id`

export async function nameDelivery(
  store: Store,
  id: VideoId,
  { peer, dir, name: old, term }: DeliveryKey,
  name: string,
): Promise<boolean> {
  return (await store.write('sure', NAME, { id, peer, dir, old, name, term: term ?? null })).length > 0
}
