/** Encodes the audio: every track whole, in one ffmpeg, from the file of extras or from a source that is read straight. */
import { stat } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import { type Plan, packagingOf, planSeconds } from '../protocol/plan.ts'
import { soundsOf } from '../protocol/sound-plan.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { type AudioJob, audioArgs, isAudioStraight, OLD_LAYOUT } from './commands/audio.ts'
import { type Programs, runOrFail, secondsMade } from './run-ffmpeg.ts'
import { matroskaOf, tracksOf } from './verify.ts'

const CONTAINER_BYTES = 16 * 1024 * 1024

interface EncodeAudioJob {
  readonly plan: Plan
  readonly input: string
  readonly out: string
  readonly onProgress?: (progress: { seconds: number; speed: number }) => void
  readonly signal: AbortSignal
}

/** Encodes all audio tracks of `input`, what `takeAudio` answered, into `out`. Rejects with `AttemptFailed`. `seconds` of progress is media time. */
export async function encodeAudio(programs: Programs, job: EncodeAudioJob): Promise<void> {
  const { plan, out } = job
  await runOnce(programs, job, false).catch((error: unknown) => {
    const isOld = soundsOf(plan).some(({ layout }) => layout === OLD_LAYOUT)
    if (!isOld || !(error instanceof AttemptFailed) || error.code !== 'encode_failed') throw error
    return runOnce(programs, job, true)
  })
  await checkSound(out, plan)
}

/** Rejects with `verify_failed` where a file of sound has other tracks than the plan. */
export async function checkSound(path: string, plan: Plan): Promise<void> {
  const all = packagingOf(plan) === 'mp4' ? await tracksOf(path) : (await matroskaOf(path)).tracks
  const tracks = all.filter(({ kind }: { readonly kind: string }) => kind === 'audio')
  const expected = soundsOf(plan).length
  if (tracks.length !== expected)
    throw new AttemptFailed('verify_failed', `${tracks.length} audio tracks, expected ${expected}`)
}

/** The job of the command: all tracks of the plan from `input` to `out`. */
export function soundJob(plan: Plan, input: string, out: string): AudioJob {
  const offset = cutOffset(plan)
  const straight = isAudioStraight(plan) ? { offset } : null
  return {
    input,
    straight,
    out,
    tracks: plan.audio,
    sounds: soundsOf(plan),
    start: zeroOf(plan) + offset,
    packaging: packagingOf(plan),
  }
}

/** The largest file of sound that an encode of `input` may write, bytes. */
export async function soundBytesMax(plan: Plan, input: string): Promise<number> {
  const filmSeconds = planSeconds(plan) + plan.lead / plan.track_timescale
  return (await stat(fsPath(input))).size * 8 + filmSeconds * soundsOf(plan).length * 128_000 + CONTAINER_BYTES
}

/** `mixesOld`: whether this build's encoder does not take `OLD_LAYOUT`. */
async function runOnce(programs: Programs, job: EncodeAudioJob, mixesOld: boolean): Promise<void> {
  const { plan, out, input } = job
  const args = audioArgs({ ...soundJob(plan, input, out), mixesOld })
  const started = programs.clock.mono()
  const onLine = (line: string) => {
    const seconds = secondsMade(line)
    if (seconds !== null)
      job.onProgress?.({ seconds, speed: (seconds * 1000) / Math.max(1, programs.clock.mono() - started) })
  }
  const outputBytesMax = await soundBytesMax(plan, input)
  await runOrFail(
    programs.run,
    { program: programs.ffmpeg, args, signal: job.signal, progress: true, outputBytesMax, onLine },
    'encoding the audio',
  )
}
