/** The trial frame of a plan: one frame of the source in every rendition, for the parameter sets that every chunk must carry. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceIndex } from '../protocol/media.ts'
import type { Rational, RenditionPlan } from '../protocol/plan.ts'
import { costOf } from './codecs/codecs.ts'
import { encodeArgs, type Settings } from './commands/encode.ts'
import type { SizedRendition } from './ladder.ts'
import type { PacketIndex } from './packet-index.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { shapesIn } from './shapes.ts'
import { pictureOf, signatureOf } from './verify.ts'

/** The frame to encode, and in which renditions. */
export interface FrameTrial {
  readonly job: { readonly source: string; readonly index: SourceIndex; readonly signal: AbortSignal }
  readonly settings: Settings
  readonly sized: readonly SizedRendition[]
  readonly classes: (rendition: SizedRendition) => string
  readonly time_base: Rational
}

/** The renditions, and what the outputs of `more` printed. */
export interface TrialFrames {
  readonly renditions: RenditionPlan[]
  readonly lines: readonly string[]
}

/**
 * The first frame in every rendition: a 1-frame encode has the parameter sets of one of any length. `more`: arguments of outputs that the
 * same process makes. Rejects with `AttemptFailed`.
 */
export async function trialFrames(
  { run, ffmpeg }: Programs,
  { job, settings, sized, classes, time_base }: FrameTrial,
  more: readonly string[] = [],
): Promise<TrialFrames> {
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
    const renditions = await Promise.all(
      outputs.map(async ({ rendition, path }) => ({
        ...rendition,
        class: classes(rendition),
        signature: signatureOf(await pictureOf(path)),
        cost: costOf(rendition),
      })),
    )
    return { renditions, lines }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
