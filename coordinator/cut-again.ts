/** Has lost inputs and extras made again: the task that cuts them becomes PENDING, and cuts what has no holder. */
import { taskId } from '../protocol/ids.ts'
import { kindsWhere } from '../protocol/kinds.ts'
import { isOpen, type Video } from '../protocol/video.ts'
import type { TermContext } from './duty.ts'

/** Makes the ingest of an open video PENDING, unless it runs. `blob`: what is lost, for people. Rejects with the errors of the ledger. */
export async function cutAgain(
  { ledger, term, hints, emit }: Pick<TermContext, 'ledger' | 'term' | 'hints' | 'emit'>,
  { _id: video }: Pick<Video, '_id'>,
  blob: string,
): Promise<void> {
  const now = await ledger.video(video)
  // Once it is COMPLETED every peer removes its chunks.
  if (now === null || !isOpen(now.status)) return
  for (const kind of kindsWhere(({ createsTasks }) => createsTasks)) {
    const task = await ledger.task(taskId(video, kind))
    const completed_attempt = task?.completed_attempt ?? null
    if (!task || completed_attempt === null) continue
    if ((await ledger.loseOutput(task._id, { completed_attempt, term })) !== 'changed') continue
    hints.publish({ what: 'tasks', video })
    await emit({ code: 'blob_lost', video, blob })
  }
}
