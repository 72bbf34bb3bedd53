/** A submit of an existing video: adds holders of the source and opens the delivery, adds endpoints of webhooks. The status stays. */
import type { VideoId } from '../../protocol/ids.ts'
import { WEBHOOK_URLS_MAX } from '../../protocol/webhook-url.ts'
import type { Join } from '../steps.ts'
import { holders } from './fragments.ts'
import type { Store } from './store.ts'

const IS_PLACE = `(value ->> 'peer' = :peer AND value ->> 'dir' = :dir)
  OR (value ->> '$.shared.folder' = :folder AND value ->> '$.shared.path' = :path)`
const SAME = `(${IS_PLACE}) AND value ->> 'name' IN (SELECT asked.value FROM json_each(:names) AS asked)`
const OPENED = `json_set(json_patch(value, json(:again)), '$.done_at', NULL)`

const JOIN = `UPDATE videos SET
  source=json_patch(json_set(source, '$.holders', json(${holders(`source -> '$.holders'`, ':holders')})), json(:source)),
  deliveries=CASE
    WHEN :delivery IS NULL THEN deliveries
    WHEN EXISTS (SELECT 1 FROM json_each(deliveries) WHERE ${SAME}) THEN
      (SELECT json_group_array(json(iif(${SAME}, ${OPENED}, value)) ORDER BY key) FROM json_each(deliveries))
    ELSE json_insert(deliveries, '$[#]', json(:delivery)) END,
  webhooks=(SELECT json_group_array(url ORDER BY n) FROM (SELECT value AS url, min(n) AS n FROM (
    SELECT value, key AS n FROM json_each(webhooks) UNION ALL SELECT value, 1000 + key FROM json_each(:webhooks)) GROUP BY value ORDER BY n LIMIT ${WEBHOOK_URLS_MAX}))
  WHERE _id=:id`

export async function joinVideo(store: Store, id: VideoId, join: Join): Promise<void> {
  const { delivery } = join
  const { shared, mode } = delivery ?? {}
  await store.write('sure', JOIN, {
    id,
    holders: JSON.stringify(join.holders),
    source: JSON.stringify(join.shared ? { shared: join.shared } : {}),
    delivery: delivery && JSON.stringify(delivery),
    peer: delivery?.peer ?? null,
    dir: delivery?.dir ?? null,
    folder: shared?.folder ?? null,
    path: shared?.path ?? null,
    again: JSON.stringify({ ...(shared && { shared }), ...(mode !== undefined && { mode }) }),
    names: JSON.stringify(join.names),
    webhooks: JSON.stringify(join.webhooks),
  })
}
