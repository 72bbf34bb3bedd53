/** (none) → QUEUED: inserts the video where its id is new. */
import type { Video } from '../../protocol/video.ts'
import { insertFromJson, VIDEO_COLUMNS } from './schema.ts'
import type { Store } from './store.ts'

const INSERT = `${insertFromJson('videos', VIDEO_COLUMNS, {
  created_at: ':now',
  due: `iif(value ->> '$.deadline' IS NULL, :now, value ->> '$.due')`,
})} RETURNING _id`

export async function insertVideo(store: Store, video: Video): Promise<boolean> {
  return (await store.write('sure', INSERT, { documents: JSON.stringify([video]) })).length > 0
}
