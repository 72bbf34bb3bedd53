/** Finds out whether inputs that waiting tasks name still exist, and names a peer that has one and is no named holder of it. */
import type { PeerId, Sha256, TaskId } from '../protocol/ids.ts'
import type { Task } from '../protocol/task.ts'
import { type LocateOptions, locateBlob } from './locate-blob.ts'

/** The parts that are asked, and how a holder is added to a task. */
export interface LostInputOptions extends Omit<LocateOptions, 'video'> {
  addHolder(task: TaskId, sha256: Sha256, peer: PeerId): Promise<unknown>
}

/** The first PENDING one of these tasks of one video whose input no peer has; null where all have theirs. Rejects with errors of the ledger and the disk. */
export async function firstLostInput(tasks: readonly Task[], options: LostInputOptions): Promise<Task | null> {
  const waiting = tasks.filter(({ status, input }) => status === 'PENDING' && input !== null)
  for (const same of Map.groupBy(waiting, ({ input }) => input?.sha256).values()) {
    const [first] = same
    if (!first?.input) continue
    const { has } = await locateBlob(first.input, { ...options, video: first.video_id })
    const [holder] = has
    options.signal.throwIfAborted()
    if (holder === undefined) return first
    for (const { _id, input } of same)
      if (!has.some((peer) => input?.holders.includes(peer))) await options.addHolder(_id, first.input.sha256, holder)
  }
  return null
}
