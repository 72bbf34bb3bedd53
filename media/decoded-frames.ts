/**
 * Times of decoded pictures: of the beginning, to see whether packets are pictures, or of everything, where packets do not
 * show it. By ffprobe, which knows fields; by ffmpeg where ffprobe's build cannot decode this (they may be of two builds).
 */
import { FFMPEG_STALL_MS } from '../protocol/limits.ts'
import type { Rational } from '../protocol/plan.ts'
import { checksumArgs, frameArgs } from './commands/read.ts'
import { type DecodedFrame, takeChecksum, takeFrame } from './packet-index.ts'
import type { Programs } from './run-ffmpeg.ts'

export interface DecodeJob {
  readonly source: string
  readonly stream: number
  readonly genpts: boolean
  readonly timeBase: Rational
  /** Packets to decode from the beginning; all where left out. */
  readonly packets?: number
  readonly signal: AbortSignal
}

/** In the order of the decoder; a time is NaN where it has none. Empty where neither program decodes a picture. */
export async function decodeFrames({ run, ffprobe, ffmpeg }: Programs, job: DecodeJob): Promise<DecodedFrame[]> {
  const { signal, packets } = job
  const frames: DecodedFrame[] = []
  const watch = { signal, stallMs: FFMPEG_STALL_MS }
  await run({ ...watch, program: ffprobe, args: frameArgs(job), onLine: (line) => takeFrame(frames, line) })
  if (frames.length > 0) return frames
  const args = checksumArgs({ ...job, ...(packets === undefined ? {} : { frames: packets }) })
  await run({ ...watch, program: ffmpeg, args, onLine: (line) => takeChecksum(frames, line) })
  return frames
}
