/** Encodes the audio: every track whole, in one ffmpeg, from the file of extras or from a source that is read straight. */
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { SoundPartTaker } from '../protocol/media.ts'
import { fsPath, isEscaped } from '../protocol/path-text.ts'
import { type Plan, packagingOf, planSeconds } from '../protocol/plan.ts'
import { soundsOf } from '../protocol/sound-plan.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { type AudioJob, audioArgs, canGrow, isAudioStraight, OLD_LAYOUT } from './commands/audio.ts'
import { SoundParts } from './package/sound-parts.ts'
import { type Programs, runOrFail, secondsMade } from './run-ffmpeg.ts'
import { matroskaOf, tracksOf } from './verify.ts'

const CONTAINER_BYTES = 16 * 1024 * 1024

interface EncodeAudioJob {
  readonly plan: Plan
  readonly input: string
  readonly out: string
  readonly parts?: SoundPartTaker | undefined
  readonly onProgress?: (progress: { seconds: number; speed: number }) => void
  readonly signal: AbortSignal
}

/** Encodes all audio tracks of `input`, what `takeAudio` answered, into `out`. Rejects with `AttemptFailed`. `seconds` of progress is media time. */
export async function encodeAudio(programs: Programs, job: EncodeAudioJob): Promise<void> {
  const { plan, out } = job
  const ways = waysOf(job)
  for (const way of ways) {
    const end = await runOnce(programs, job, way).then(
      () => null,
      (error: unknown) => error,
    )
    if (end === null) break
    if (way === ways.at(-1) || !(end instanceof AttemptFailed) || end.code !== 'encode_failed') throw end
  }
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

/** How ffmpeg is asked: `mixesOld`, as this build's encoder may not take `OLD_LAYOUT`; `growing`, where the parts are read from. */
interface Way {
  readonly mixesOld: boolean
  readonly growing?: string | undefined
}

/** The ways to try, in order: a build may not know the old layout, or how to write two files of one encode. */
function waysOf({ plan, input, out, parts }: EncodeAudioJob): Way[] {
  const isOld = soundsOf(plan).some(({ layout }) => layout === OLD_LAYOUT)
  const plain = isOld ? [{ mixesOld: false }, { mixesOld: true }] : [{ mixesOld: false }]
  // A path that is no UTF-8 has another name in ffmpeg's arguments.
  if (!parts || isEscaped(out) || !canGrow(soundJob(plan, input, out))) return plain
  const growing = `${out}.growing`
  return [{ mixesOld: false, growing }, ...plain]
}

async function runOnce(programs: Programs, job: EncodeAudioJob, { mixesOld, growing }: Way): Promise<void> {
  const { plan, out, input, parts } = job
  const args = audioArgs({ ...soundJob(plan, input, out), growing, mixesOld })
  const started = programs.clock.mono()
  const onLine = (line: string) => {
    const seconds = secondsMade(line)
    if (seconds !== null)
      job.onProgress?.({ seconds, speed: (seconds * 1000) / Math.max(1, programs.clock.mono() - started) })
  }
  const outputBytesMax = await soundBytesMax(plan, input)
  const run = { program: programs.ffmpeg, args, signal: job.signal, progress: true, outputBytesMax, onLine }
  const writes = growing === undefined ? [] : [dirname(out)]
  const ended = new AbortController()
  const taken = parts && growing !== undefined ? takeParts(programs, growing, parts, ended.signal) : null
  try {
    await runOrFail(programs.run, { ...run, writes }, 'encoding the audio')
  } finally {
    ended.abort()
    await taken
  }
}

/**
 * Intervals of looking for parts, ms: soon at the beginning, so that the sound can be played, and so late that a sound which is encoded at once makes
 * none.
 */
const [FIRST_PARTS_MS, PARTS_MS] = [1_000, 2_000]

/** Gives the parts of the growing file to their taker until the signal is aborted. Never rejects. */
async function takeParts(
  { clock }: Programs,
  growing: string,
  taker: SoundPartTaker,
  signal: AbortSignal,
): Promise<void> {
  let parts: SoundParts | null = null
  try {
    for (let waitMs = FIRST_PARTS_MS; ; waitMs = parts ? PARTS_MS : FIRST_PARTS_MS) {
      await clock.sleep(waitMs, signal).catch(() => {})
      if (signal.aborted) return
      if (!parts && !(await isThere(growing))) continue
      parts ??= await SoundParts.open(growing, dirname(growing))
      const made = await parts.next()
      if (made.length > 0) await taker.take(made)
    }
  } catch (error) {
    taker.failed(error)
  } finally {
    await parts?.close()
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
