/** Removes a holder that lacks the bytes from the input of an open task. */
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

const REMOVE = `UPDATE chunks SET input=json_set(input, '$.holders',
    (SELECT json_group_array(value ORDER BY key) FROM json_each(chunks.input, '$.holders') WHERE value <> :peer))
  WHERE _id=:id AND status IN ('PENDING', 'PROCESSING') AND input ->> 'sha256' = :sha256
    AND :peer IN (SELECT value FROM json_each(chunks.input, '$.holders')) RETURNING _id`

export async function removeInputHolder(store: Store, id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', REMOVE, { id, sha256, peer })).length > 0
}
