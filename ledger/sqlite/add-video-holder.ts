/** Adds a holder to the source or a result. */
import type { PeerId, Sha256, VideoId } from '../../protocol/ids.ts'
import { allWithHolder, lacksHolder, someLackHolder, withHolder } from './fragments.ts'
import type { Store } from './store.ts'

const ADD = `UPDATE videos SET source=${withHolder('source')}, outputs=${allWithHolder('outputs')}
  WHERE _id=:id AND (${lacksHolder('source')} OR ${someLackHolder('outputs')}) RETURNING _id`

export async function addVideoHolder(store: Store, id: VideoId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', ADD, { id, sha256, peer })).length > 0
}
