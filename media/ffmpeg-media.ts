/**
 * The adapter of `protocol/media.ts` for ffmpeg. `commands/` builds the command lines; the pure files beside this one interpret
 * their output; `reading`, `planning`, `cutting`, `encoding` and `merging` join the two.
 */
import type { Clock, Rng } from '../protocol/clock.ts'
import type { Media, SelfTestReport } from '../protocol/media.ts'
import { encodeAudio } from './audio-encoding.ts'
import { checkRecipe } from './check-recipe.ts'
import { cutChunk } from './cutting.ts'
import { encodeChunk } from './encoding.ts'
import { takeExtras } from './extras.ts'
import { mergeRenditions } from './merging.ts'
import { makePackage } from './package/package.ts'
import { checkFilm } from './plain-film.ts'
import { planVideo } from './planning.ts'
import { ProbeCache } from './probe-cache.ts'
import { probeSource, type RatedProbe } from './probing.ts'
import { createRunner, type Programs } from './run-ffmpeg.ts'
import { runQuickSelfTest } from './self-test.ts'
import { createSelfTester } from './self-tester.ts'
import { createSignatures } from './signatures.ts'
import { indexWithText } from './text-index.ts'

/** The programs, their limits and the cache of the self-test. */
export interface FfmpegMediaOptions {
  /** Absolute paths; they may come from different builds. */
  readonly ffmpeg: string
  readonly ffprobe: string
  /** Folder that caches self-test reports; without it every start runs the self-test. */
  readonly cacheDir?: string
  /** Limits of one process, ms and bytes, where other than the defaults of `protocol/limits.ts`. */
  readonly stallMs?: number
  readonly memoryBytes?: number
  /** `off`: the programs are not confined. Default: as far as this machine can (`sandbox.ts`). */
  readonly sandbox?: 'auto' | 'off'
  /** Called when the self-test runs trials, which takes seconds: not where its report is cached. */
  readonly onTrials?: (() => void) | undefined
  /** Called when one of the programs was started. */
  readonly onStart?: (() => void) | undefined
  readonly clock: Clock
  readonly rng: Rng
}

/** Files whose probe is remembered from their submit until their ingest: some MB. */
const PROBES_MAX = 500

/** Makes the adapter. The first call that needs the self-test runs it, once. */
export function createFfmpegMedia(options: FfmpegMediaOptions): Media {
  const { ffmpeg, ffprobe, clock, rng } = options
  const { cacheDir = null, onTrials } = options
  const kept = cacheDir === null ? null : { cacheDir, rng }
  const programs: Programs = { ffmpeg, ffprobe, clock, rng, run: createRunner({ ...options, kept }) }
  const { first, whole, wholeReport } = createSelfTester(programs, cacheDir, { ...(onTrials && { onTrials }) })
  const signatures = createSignatures(programs, cacheDir)
  const probes = new ProbeCache<RatedProbe>(PROBES_MAX)
  /** What the first trials do not allow is tried again once all have run. */
  const withReport = async <T>(
    signal: AbortSignal,
    use: (selfTestReport: SelfTestReport) => Promise<T>,
  ): Promise<T> => {
    const known = await first(signal)
    try {
      return await use(known)
    } catch (error) {
      const all = await whole(signal)
      if (all === known) throw error
      return use(all)
    }
  }
  const probe: Media['probe'] = (source, signal) => probes.probe(source, () => probeSource(programs, source, signal))
  return {
    selfTest: whole,
    firstSelfTest: first,
    wholeReport,
    quickSelfTest: (signal) => runQuickSelfTest(programs, signal),
    checkRecipe,
    check: (source, signal) => checkFilm(source, () => probe(source, signal)),
    probe,
    index: (source, probe, signal, subtitles = []) =>
      withReport(signal, (selfTestReport) =>
        indexWithText(programs, { source, probe, subtitles, selfTestReport, signal }),
      ),
    plan: (job) =>
      withReport(job.signal, (selfTestReport) => planVideo(programs, { ...job, signatures, selfTestReport })),
    cut: (job) => cutChunk(programs, job),
    extras: (job) => takeExtras(programs, job),
    encode: (job) => encodeChunk(programs, job),
    audio: (job) => encodeAudio(programs, job),
    merge: (job) => mergeRenditions(programs, job),
    package: (job) => makePackage(programs, job),
  }
}
