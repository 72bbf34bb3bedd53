/**
 * The file of extras with the audio: every track of the plan, by stream copy or decoded, in NUT.
 *
 * The plan's trial has seen the beginning and the end of each track. Should the whole fail all the same (on another build, or by damage in
 * the middle), all tracks are decoded, and one that cannot be is a moment of silence: no film fails by its sound.
 */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import { type AudioFacts, type Plan, planSeconds } from '../protocol/plan.ts'
import { tryAudio } from './audio-trial.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { closingTerms } from './clock-jumps.ts'
import { decodedCodec, decodedFilter, isAudioStraight } from './commands/audio.ts'
import { audioExtraArgs, type ExtraTrack } from './commands/split.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

const SLACK_BYTES = 64 * 1024 * 1024
/** Bytes a second of one decoded channel at most, and seconds that sound may go on after the picture. */
const CHANNEL_BYTES = 48_000 * 4
const LONGER_S = 6 * 3600

interface ExtraJob {
  readonly plan: Plan
  readonly source: string
  readonly outDir: string
  readonly signal: AbortSignal
}

/** Takes the audio out of the source into `outDir`, or answers the source where it is read straight; null where the plan has none. Rejects with `AttemptFailed`. */
export async function takeAudio(programs: Programs, job: ExtraJob): Promise<string | null> {
  const { plan } = job
  if (plan.audio.length === 0) return null
  if (isAudioStraight(plan)) return job.source
  const out = join(job.outDir, 'audio.nut')
  try {
    await make(
      programs,
      job,
      out,
      plan.audio.map((track) => extraTrack(track, plan)),
    )
  } catch (error) {
    if (!(error instanceof AttemptFailed) || error.code !== 'encode_failed') throw error
    await make(programs, job, out, await decodedTracks(programs, job))
  }
  return out
}

async function make(
  { run, ffmpeg }: Programs,
  job: ExtraJob,
  out: string,
  tracks: readonly ExtraTrack[],
): Promise<void> {
  const { plan, source, signal } = job
  await rm(out, { force: true })
  const channels = plan.audio.reduce((sum, track) => sum + track.channels, 0)
  const decodedBytes = channels * CHANNEL_BYTES * (planSeconds(plan) + plan.lead / plan.track_timescale + LONGER_S)
  const outputBytesMax = (await stat(fsPath(source))).size + decodedBytes + SLACK_BYTES
  const args = audioExtraArgs({ source, tracks, offset: cutOffset(plan), out })
  await runOrFail(run, { program: ffmpeg, args, signal, progress: true, outputBytesMax }, 'copying the audio')
}

function extraTrack(track: AudioFacts, plan: Plan): ExtraTrack {
  const filter = decodedFilter(track, zeroOf(plan), closingTerms(plan.jumps, plan.time_base, 0))
  return { stream: track.stream, decoded: filter === null ? null : { filter, codec: decodedCodec(track) } }
}

/** Every track decoded, and silence for those that this build cannot decode. */
async function decodedTracks(programs: Programs, { plan, source, signal }: ExtraJob): Promise<ExtraTrack[]> {
  const { audio } = await tryAudio(programs, {
    source,
    audio: plan.audio,
    seconds: planSeconds(plan),
    start: zeroOf(plan),
    isStraight: false,
    signal,
  })
  const alive = new Set(audio.map(({ stream }) => stream))
  return plan.audio.map((track) =>
    alive.has(track.stream)
      ? extraTrack({ ...track, extra: track.extra === 'copied' ? 'decoded' : track.extra }, plan)
      : { silence: track.layout },
  )
}
