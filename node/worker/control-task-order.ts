/** Which ingest and merge tasks this peer should take now: what it has and leads, as `source-order.ts` decides. */

import { type BlobStore, hasRoomFor } from '../../protocol/blobs.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Task } from '../../protocol/task.ts'
import { mayTakeIngest } from './source-order.ts'

export interface ControlTaskOrderOptions {
  readonly ledger: Pick<Ledger, 'video'>
  readonly store: Pick<BlobStore, 'reference' | 'find' | 'room'>
  leads(): boolean
}

export function createControlTaskOrder({
  ledger,
  store,
  leads,
}: ControlTaskOrderOptions): (task: Task, now: number) => Promise<boolean> {
  /** Asked only once a disk was too small: else the ledger and the disk would be asked at every look. */
  async function fits({ video_id, failures }: Task): Promise<boolean | null> {
    if (!failures.some(({ code }) => code === 'disk_full')) return null
    const source = (await ledger.video(video_id))?.source
    if (!source) return false
    return (await store.find(source.sha256, video_id)) !== null || hasRoomFor(source.bytes, await store.room())
  }

  return async (task, now) => {
    const { eligibility, claimedIn } = kindFacts(task.kind)
    if (eligibility === 'leader' && !leads()) return false
    const status = claimedIn && (await ledger.video(task.video_id))?.status
    if (claimedIn && !claimedIn.some((each) => each === status)) return false
    if (eligibility !== 'source') return true
    const hasSource = (await store.reference(task.video_id)) !== null
    const { created_at } = task
    return mayTakeIngest({ now, created_at, hasSource, leads: leads(), fits: await fits(task) }).take
  }
}
