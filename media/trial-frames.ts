/** The trial frame of a plan: one frame of the source in every rendition, for the parameter sets that every chunk must carry. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sha256 } from '../protocol/ids.ts'
import type { SourceIndex } from '../protocol/media.ts'
import type { Rational, RenditionPlan } from '../protocol/plan.ts'
import { amend } from './amending.ts'
import { costOf, encoderOf } from './codecs/codecs.ts'
import { encodeArgs, type Settings } from './commands/encode.ts'
import type { PacketIndex } from './packet-index.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { shapesIn } from './shapes.ts'
import type { Signatures } from './signatures.ts'
import { pictureOf, signatureOf } from './verify.ts'

/** The frame to encode, and in which renditions. */
export interface FrameTrial {
  readonly job: { readonly source: string; readonly index: SourceIndex; readonly signal: AbortSignal }
  readonly settings: Settings
  readonly sized: readonly Omit<RenditionPlan, 'signature' | 'cost'>[]
  readonly time_base: Rational
}

/** The renditions, and what the outputs of `more` printed. */
export interface TrialFrames {
  readonly renditions: RenditionPlan[]
  readonly lines: readonly string[]
}

/** The renditions by the parameter sets of an earlier trial of plain pictures with the same settings; null where there was none. */
export async function knownFrames(trial: FrameTrial, signatures: Signatures): Promise<RenditionPlan[] | null> {
  const key = keyArgs(trial)
  const known = key && (await signatures.find(key))
  return known && renditionsOf(trial, known)
}

/**
 * The first frame in every rendition: a 1-frame encode has the parameter sets of one of any length. `more`: arguments of outputs that the
 * same process makes. Rejects with `AttemptFailed`.
 */
export async function trialFrames(
  { run, ffmpeg }: Programs,
  trial: FrameTrial,
  { more = [], signatures }: { readonly more?: readonly string[]; readonly signatures: Signatures },
): Promise<TrialFrames> {
  const { job, settings, sized, time_base } = trial
  const index = job.index as PacketIndex & SourceIndex
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-plan-'))
  try {
    const outputs = sized.map((rendition) => ({ rendition, path: join(dir, `${rendition.id}.mp4`) }))
    const input = { path: job.source, start_pts: index.times[0]!, end_pts: index.end_pts, time_base }
    const args = encodeArgs({
      settings,
      input,
      fromSource: true,
      outputs,
      shapes: shapesIn(index.shapes, input, time_base),
      frames: 1,
    })
    const lines: string[] = []
    const { signal } = job
    const onLine = (line: string) => lines.push(line)
    await runOrFail(
      run,
      { program: ffmpeg, args: [...args, ...more], signal, progress: true, onLine },
      'the trial frame',
    )
    const found = await Promise.all(
      outputs.map(async ({ rendition, path }) => {
        await amend(path, rendition, settings)
        return signatureOf(await pictureOf(path))
      }),
    )
    const key = keyArgs(trial)
    if (key) await signatures.keep(key, found)
    return { renditions: renditionsOf(trial, found), lines }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * The arguments of an encode without paths and times, and what the frames say that it gets: parameter sets follow from both. Null where only
 * frames say it, as the place of chroma samples.
 */
function keyArgs({ job, settings, sized, time_base }: FrameTrial): string[] | null {
  const { plain, shapes } = job.index as PacketIndex & SourceIndex
  if (typeof plain !== 'string' || shapes.length > 0) return null
  const input = { path: '/', start_pts: 0, end_pts: 1, time_base }
  const outputs = sized.map((rendition, at) => ({ rendition, path: `/${at}` }))
  return [...encodeArgs({ settings, input, fromSource: true, outputs }), plain]
}

const renditionsOf = ({ sized }: FrameTrial, signatures: readonly Sha256[]): RenditionPlan[] =>
  sized.map((rendition, at) => ({
    ...rendition,
    signature: signatures[at]!,
    cost: costOf(rendition, encoderOf(rendition)),
  }))
