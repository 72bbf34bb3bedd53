/** Removes what does not fit of a video that is made anew: its plans and tasks, and the document of the video itself. */
import type { VideoId } from '../../protocol/ids.ts'
import { videoOf } from './schema.ts'
import type { Parameters, Store } from './store.ts'

export async function removeWork(store: Store, video: VideoId): Promise<void> {
  // Ids of plans and tasks begin with `<video>/`; `0` follows `/`.
  const ids = { video, from: `${video}/`, to: `${video}0` }
  await store.write('sure', 'DELETE FROM plans WHERE _id > :from AND _id < :to', ids)
  await store.write('sure', 'DELETE FROM chunks WHERE video_id=:video OR (_id > :from AND _id < :to)', ids)
}

/** Compares the whole row: another process may have replaced it meanwhile. */
export async function removeUnfitVideo(store: Store, id: VideoId): Promise<void> {
  const [row] = await store.read('SELECT * FROM videos WHERE _id=:id', { id })
  if (row === undefined || store.documents.video(videoOf(row)) !== null) return
  const same = Object.keys(row).map((column) => `${column} IS :${column}`)
  await store.write('sure', `DELETE FROM videos WHERE ${same.join(' AND ')}`, row as Parameters)
}
