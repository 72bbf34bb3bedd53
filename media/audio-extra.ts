/**
 * The file of extras with the audio: every track of the plan, by stream copy or decoded, in NUT.
 */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fsPath } from '../protocol/path-text.ts'
import type { Plan } from '../protocol/plan.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { audioFilter, isDecodedForExtra } from './commands/audio.ts'
import { audioExtraArgs } from './commands/split.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

const SLACK_BYTES = 64 * 1024 * 1024

/** Takes the audio out of the source into `outDir`; null where the plan has none. Rejects with `AttemptFailed`. */
export async function takeAudio(
  { run, ffmpeg }: Programs,
  job: { readonly plan: Plan; readonly source: string; readonly outDir: string; readonly signal: AbortSignal },
): Promise<string | null> {
  const { plan, source, signal } = job
  if (plan.audio.length === 0) return null
  const out = join(job.outDir, 'audio.nut')
  await rm(out, { force: true })
  // FLAC from a lossy track is larger than the track; 24 bits, 48 kHz, 8 channels are the most there can be.
  const outputBytesMax = (await stat(fsPath(source))).size * 8 + SLACK_BYTES
  const args = extraArgs(plan, source, out)
  await runOrFail(run, { program: ffmpeg, args, signal, progress: true, outputBytesMax }, 'copying the audio')
  return out
}

function extraArgs(plan: Plan, source: string, out: string): string[] {
  const zero = zeroOf(plan)
  const streams = plan.audio.map((track) => ({
    stream: track.stream,
    // Shift back to the time of the source, so that the audio task handles every track in the same way.
    flac: isDecodedForExtra(track) ? `${audioFilter(track, zero)},asetpts=PTS+(${zero.toFixed(6)})/TB` : null,
  }))
  return audioExtraArgs({ source, streams, offset: cutOffset(plan), out })
}
