/** Which videos have open tasks whose priority, due or times are not what their video says: only these are written. */
import type { VideoId } from '../protocol/ids.ts'
import { IDLE_PRIORITY } from '../protocol/limits.ts'
import type { Alignment } from './steps.ts'

/** What is read of an open task; whoever may write to the database may have written anything. */
export interface SeenTask {
  readonly video_id: VideoId
  readonly kind: unknown
  readonly priority: unknown
  /** A date, or ms. */
  readonly due: unknown
  /** Whether its times lie far ahead, as the clock was set back. */
  readonly isFar: unknown
}

/** The videos of `align` with such a task. */
export function misaligned(align: readonly Alignment[], tasks: readonly SeenTask[]): ReadonlySet<VideoId> {
  const wanted = new Map(align.map((one) => [one.video, one]))
  const differs = ({ video_id, kind, priority, due, isFar }: SeenTask) => {
    const one = wanted.get(video_id)
    if (!one || isFar) return one !== undefined
    const is = one.planned.some((each) => each === kind) ? one.due : one.dueOthers
    return priority !== IDLE_PRIORITY && (priority !== one.priority || Number(due) !== is)
  }
  return new Set(tasks.filter(differs).map(({ video_id }) => video_id))
}
