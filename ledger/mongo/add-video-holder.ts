/** Adds a holder to the source or a result. */
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import { allWithHolder, lacksHolder, someLackHolder, withHolder } from './pipeline.ts'
import type { Store } from './store.ts'

export async function addVideoHolder(store: Store, id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  const filter = { _id: id, $or: [lacksHolder('source', sha256, peer), someLackHolder('outputs', sha256, peer)] }
  const set = { source: withHolder('$source', sha256, peer), outputs: allWithHolder('$outputs', sha256, peer) }
  return (await store.run(() => store.videos.updateOne(filter, [{ $set: set }]))).matchedCount === 1
}
