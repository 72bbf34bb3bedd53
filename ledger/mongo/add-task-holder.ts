/** Adds a holder to a task's input, output or artifact. */
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import { allWithHolder, lacksHolder, someLackHolder, withHolder } from './pipeline.ts'
import type { Store } from './store.ts'

export async function addTaskHolder(store: Store, id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  const lacks = [
    lacksHolder('input', sha256, peer),
    lacksHolder('output', sha256, peer),
    someLackHolder('outputs', sha256, peer),
  ]
  const set = {
    input: withHolder('$input', sha256, peer),
    output: withHolder('$output', sha256, peer),
    outputs: allWithHolder('$outputs', sha256, peer),
  }
  return (await store.run(() => store.chunks.updateOne({ _id: id, $or: lacks }, [{ $set: set }]))).matchedCount === 1
}
