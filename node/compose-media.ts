/** Makes ffmpeg as a configuration names it. `run` has it before all other parts, to probe its first film while they are loaded. */
import { type MissingEncoders, missingEncoders } from '../media/codecs/codecs.ts'
import { createFfmpegMedia, type FfmpegMediaOptions } from '../media/ffmpeg-media.ts'
import { levelOf, type SandboxLevel } from '../media/sandbox.ts'
import type { Media, SelfTestReport } from '../protocol/media.ts'
import { type Config, selfTestDir } from './config.ts'
import { findProgram } from './host/programs.ts'
import { systemClock as clock, systemRng as rng } from './host/system-clock.ts'

/** What the configured ffmpeg can run, and what it cannot encode. Rejects with `UsageError` where a program is not found. */
export async function testMedia(
  config: Config,
  signal: AbortSignal,
): Promise<{
  readonly selfTestReport: SelfTestReport
  readonly missing: readonly MissingEncoders[]
  readonly sandbox: SandboxLevel
}> {
  const { ffmpeg, ffprobe } = await mediaPrograms(config)
  const selfTestReport = await (await composeMedia(config)).selfTest(signal)
  const sandbox = config.sandbox === 'off' ? 'none' : await levelOf([ffmpeg, ffprobe])
  return { selfTestReport, missing: missingEncoders(selfTestReport.encoders), sandbox }
}

async function mediaPrograms(config: Config): Promise<{ readonly ffmpeg: string; readonly ffprobe: string }> {
  const what = 'ffmpeg 5.1 or newer, with ffprobe'
  const ffmpeg = await findProgram(config.ffmpeg, { what, flag: '--ffmpeg' })
  return { ffmpeg, ffprobe: await findProgram(config.ffprobe, { what, flag: '--ffprobe' }) }
}

/**
 * ffmpeg as configured, with its self-test cached by build. `onTrials` is called where it runs, which takes seconds, `onStart` when a program was started.
 * Rejects with `UsageError` where a program is not found.
 */
export async function composeMedia(
  config: Config,
  on: Pick<FfmpegMediaOptions, 'onTrials' | 'onStart'> = {},
): Promise<Media> {
  const { ffmpeg_memory_mb, ffmpeg_stall_ms: stallMs, sandbox } = config
  const limits = { stallMs, memoryBytes: ffmpeg_memory_mb * 2 ** 20, sandbox }
  return createFfmpegMedia({
    ...(await mediaPrograms(config)),
    ...limits,
    cacheDir: selfTestDir(config),
    ...on,
    clock,
    rng,
  })
}
