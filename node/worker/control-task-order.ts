/** Whether this peer should take an ingest or merge task now: by its sources, and whether it leads (`source-order.ts`). */
import { type BlobStore, hasRoomFor } from '../../protocol/blobs.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Task } from '../../protocol/task.ts'
import { mayTakeIngest } from './source-order.ts'

/** The parts that the decision uses. */
export interface ControlTaskOrderOptions {
  readonly ledger: Pick<Ledger, 'video'>
  readonly store: Pick<BlobStore, 'reference' | 'find' | 'room'>
  leads(): boolean
}

/** Makes the decision for a task. `now`: ledger time, ms. The returned function rejects with `LedgerUnavailable` and errors of the disk. */
export function createControlTaskOrder({
  ledger,
  store,
  leads,
}: ControlTaskOrderOptions): (task: Task, now: number) => Promise<boolean> {
  /** Whether the source fits on this disk; null where no attempt failed with `disk_full`, so that ledger and disk need not be asked. */
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
