/** Numbers of tasks: what the progress of a video is read from. */
import type { VideoId } from './ids.ts'
import type { KindName } from './kinds.ts'
import type { Task, TaskStatus } from './task.ts'

/** Numbers of tasks by kind, `resolution` and status. */
export type Counts = readonly {
  kind: KindName
  resolution: Task['resolution']
  status: TaskStatus
  count: number
}[]
/** The counts of each video that was asked for. */
export type Progress = ReadonlyMap<VideoId, Counts>
