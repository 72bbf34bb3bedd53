/** Removes what does not fit of a video that is made anew: its plans and tasks, and the document of the video itself. */
import type { VideoId } from '../../protocol/ids.ts'
import { fromBson } from './bson.ts'
import type { Store } from './store.ts'

export async function removeWork(store: Store, video: VideoId): Promise<void> {
  // Ids of plans and tasks begin with `<video>/`; `0` follows `/`.
  const _id = { $gt: `${video}/`, $lt: `${video}0` }
  await store.run(() => store.plans.deleteMany({ _id }))
  await store.run(() => store.chunks.deleteMany({ $or: [{ video_id: video }, { _id }] }))
}

/** Compares the whole document: another peer may have replaced it meanwhile. */
export async function removeUnfitVideo(store: Store, id: VideoId): Promise<void> {
  const found = await store.run(() => store.videos.findOne({ _id: id }))
  if (found === null || store.documents.video(fromBson(found)) !== null) return
  const same = { $eq: ['$$ROOT', { $literal: found }] }
  await store.run(() => store.videos.deleteOne({ _id: id, $expr: same }))
}
