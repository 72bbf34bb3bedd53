/** Encodes the audio: every track whole, in one ffmpeg, from the file of extras. */
import { stat } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { type Plan, planSeconds } from '../protocol/plan.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { audioArgs } from './commands/audio.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { tracksOf } from './verify.ts'

const CONTAINER_BYTES = 16 * 1024 * 1024

/** Encodes all audio tracks of the extra `input` into `out`. Rejects with `AttemptFailed`. `seconds` of progress is media time. */
export async function encodeAudio(
  programs: Programs,
  job: {
    readonly plan: Plan
    readonly input: string
    readonly out: string
    readonly onProgress?: (progress: { seconds: number; speed: number }) => void
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { plan, out } = job
  const start = zeroOf(plan) + cutOffset(plan)
  const args = audioArgs({
    input: job.input,
    out,
    tracks: plan.audio,
    start,
    kbps: plan.audio_kbps,
  })
  const started = programs.clock.mono()
  const onLine = (line: string) => {
    const seconds = Number(/^out_time_us=(\d+)/.exec(line)?.[1] ?? NaN) / 1e6
    if (!Number.isNaN(seconds))
      job.onProgress?.({ seconds, speed: (seconds * 1000) / Math.max(1, programs.clock.mono() - started) })
  }
  const outputBytesMax =
    (await stat(job.input)).size * 8 + planSeconds(plan) * plan.audio.length * 128_000 + CONTAINER_BYTES
  await runOrFail(
    programs.run,
    { program: programs.ffmpeg, args, signal: job.signal, progress: true, outputBytesMax, onLine },
    'encoding the audio',
  )
  const tracks = (await tracksOf(out)).filter(({ kind }) => kind === 'audio')
  if (tracks.length !== plan.audio.length) {
    throw new AttemptFailed('verify_failed', `${tracks.length} audio tracks, expected ${plan.audio.length}`)
  }
}
