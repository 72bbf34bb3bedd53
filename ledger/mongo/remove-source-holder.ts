/** Removes a holder that lacks the source of a video. */
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import type { Store } from './store.ts'

export async function removeSourceHolder(store: Store, id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  const filter = { _id: id, 'source.sha256': sha256, 'source.holders': peer }
  const update = { $pull: { 'source.holders': peer } }
  return (await store.run(() => store.videos.updateOne(filter, update as object))).matchedCount === 1
}
