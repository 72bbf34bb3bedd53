/** Removes a holder that lacks the source of a video. */
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

const REMOVE = `UPDATE videos SET source=json_set(source, '$.holders',
    (SELECT json_group_array(value ORDER BY key) FROM json_each(videos.source, '$.holders') WHERE value <> :peer))
  WHERE _id=:id AND source ->> 'sha256' = :sha256
    AND :peer IN (SELECT value FROM json_each(videos.source, '$.holders')) RETURNING _id`

export async function removeSourceHolder(store: Store, id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', REMOVE, { id, sha256, peer })).length > 0
}
