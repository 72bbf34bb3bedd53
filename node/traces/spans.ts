/**
 * The spans of a video's trace, made by whichever peer did the work: their ids follow from the video, the task and the attempt, so that the spans of
 * all peers are one trace without a word between them.
 */
import { createHash } from 'node:crypto'
import type { VideoId } from '../../protocol/ids.ts'

/** One span. Times are milliseconds since 1970: of a video and a delivery by the ledger's clock, of an attempt by that of its worker. */
export interface VideoSpan {
  readonly video: VideoId
  /** What makes it one of its kind in the trace: the text that its id follows from; empty for that of the video, which is the parent of all others. */
  readonly of: string
  /** What was done, such as `encode`. */
  readonly name: string
  readonly start: number
  readonly end: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** A sentence where it failed. */
  readonly error: string | null
}

/** 32 hex digits. */
export const traceIdOf = (video: VideoId): string => hexOf(`trace ${video}`, 32)

/** 16 hex digits. */
export const spanIdOf = ({ video, of }: Pick<VideoSpan, 'video' | 'of'>): string => hexOf(`span ${video} ${of}`, 16)

const hexOf = (text: string, digits: number): string => createHash('sha256').update(text).digest('hex').slice(0, digits)
