/**
 * The adapter of `protocol/media.ts` for ffmpeg: one short verb each. What a command is stands in `commands/`, what its
 * answer means in the pure files beside this one; `reading`, `planning`, `cutting`, `encoding` and `merging` join the two.
 */
import type { Clock, Rng } from '../protocol/clock.ts'
import type { Media } from '../protocol/media.ts'
import { cutChunk, takeExtras } from './cutting.ts'
import { encodeAudio, encodeChunk } from './encoding.ts'
import { mergeRendition } from './merging.ts'
import { planVideo } from './planning.ts'
import { indexSource, probeSource } from './reading.ts'
import { createRunner, type Programs } from './run-ffmpeg.ts'
import { createSelfTester, runQuickSelfTest } from './self-test.ts'

export interface FfmpegMediaOptions {
  /** Absolute paths; they may come from different builds. */
  readonly ffmpeg: string
  readonly ffprobe: string
  /** Where trial results are kept; without it every start proves anew. */
  readonly cacheDir?: string
  /** Bounds of one process, where other than the defaults of `protocol/limits.ts`. */
  readonly stallMs?: number
  readonly memoryBytes?: number
  readonly clock: Clock
  readonly rng: Rng
}

export function createFfmpegMedia({ cacheDir, ...options }: FfmpegMediaOptions): Media {
  const programs: Programs = { ...options, run: createRunner(options) }
  const selfTest = createSelfTester(programs, cacheDir ?? null)
  return {
    selfTest,
    quickSelfTest: (signal) => runQuickSelfTest(programs, signal),
    probe: (source, signal) => probeSource(programs, source, signal),
    index: async (source, probe, signal) =>
      indexSource(programs, { source, probe, selfTestReport: await selfTest(signal), signal }),
    plan: async (job) => planVideo(programs, { ...job, selfTestReport: await selfTest(job.signal) }),
    cut: (job) => cutChunk(programs, job),
    extras: (job) => takeExtras(programs, job),
    encode: (job) => encodeChunk(programs, job),
    audio: (job) => encodeAudio(programs, job),
    merge: (job) => mergeRendition(programs, job),
  }
}
