/** Adds a holder to a task's input, output or artifact. */
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import { allWithHolder, lacksHolder, someLackHolder, withHolder } from './fragments.ts'
import type { Store } from './store.ts'

const ADD = `UPDATE chunks SET input=${withHolder('input')}, output=${withHolder('output')}, outputs=${allWithHolder('outputs')}
  WHERE _id=:id AND (${lacksHolder('input')} OR ${lacksHolder('output')} OR ${someLackHolder('outputs')}) RETURNING _id`

export async function addTaskHolder(store: Store, id: TaskId, sha256: Sha256, peer: PeerId): Promise<boolean> {
  return (await store.write('sure', ADD, { id, sha256, peer })).length > 0
}
