/** The statuses of a video. The table in video.ts has its changes. */

/** Every status of a video. */
export const VIDEO_STATUSES = ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const
/** One of `VIDEO_STATUSES`. */
export type VideoStatus = (typeof VIDEO_STATUSES)[number]
/** The statuses in which a video is worked on or waits for it. */
export const OPEN_STATUSES = ['QUEUED', 'PLANNING', 'RUNNING', 'MERGING'] as const satisfies readonly VideoStatus[]
/** Whether a video in this status may still be worked on. */
export const isOpen = (status: VideoStatus): boolean => (OPEN_STATUSES as readonly string[]).includes(status)
