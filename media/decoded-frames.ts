/**
 * Times of decoded frames: of the beginning, to see whether packets are frames, or of all, where packets do not show it. By ffprobe, which
 * knows fields; by ffmpeg where ffprobe's build cannot decode the file (the two may be different builds).
 */
import { FFMPEG_STALL_MS } from '../protocol/limits.ts'
import type { Rational } from '../protocol/plan.ts'
import { checksumArgs, frameArgs } from './commands/read.ts'
import { type DecodedFrame, takeChecksum, takeFrame } from './packet-index.ts'
import type { Programs } from './run-ffmpeg.ts'

/** The stream of a source to decode. */
export interface DecodeJob {
  readonly source: string
  readonly stream: number
  readonly genpts: boolean
  readonly timeBase: Rational
  /** Packets to decode from the beginning; all where left out. */
  readonly packets?: number
  readonly signal: AbortSignal
}

/** The decoded frames, in the order of the decoder; one without a time has NaN. Empty where neither program decodes any. */
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
