/** A submit of an existing video: adds holders of the source and opens the delivery. The status stays. */
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Delivery } from '../../protocol/video.ts'
import { holders } from './fragments.ts'
import type { Store } from './store.ts'

const SAME = `value ->> 'peer' = :peer AND value ->> 'dir' = :dir AND value ->> 'name' IN (SELECT asked.value FROM json_each(:names) AS asked)`

const JOIN = `UPDATE videos SET
  source=json_set(source, '$.holders', json(${holders(`source -> '$.holders'`, ':holders')})),
  deliveries=CASE
    WHEN :delivery IS NULL THEN deliveries
    WHEN EXISTS (SELECT 1 FROM json_each(deliveries) WHERE ${SAME}) THEN
      (SELECT json_group_array(json(iif(${SAME}, json_set(value, '$.done_at', NULL), value)) ORDER BY key) FROM json_each(deliveries))
    ELSE json_insert(deliveries, '$[#]', json(:delivery)) END
  WHERE _id=:id`

export async function joinVideo(
  store: Store,
  id: VideoId,
  join: { holders: readonly PeerId[]; delivery: Delivery | null; names: readonly string[] },
): Promise<void> {
  await store.write('sure', JOIN, {
    id,
    holders: JSON.stringify(join.holders),
    delivery: join.delivery && JSON.stringify(join.delivery),
    peer: join.delivery?.peer ?? null,
    dir: join.delivery?.dir ?? null,
    names: JSON.stringify(join.names),
  })
}
