/**
 * One build of ffmpeg as a peer of a mesh would have it: the media adapter over it, and its self-test report.
 */

import { createFfmpegMedia } from '../../media/ffmpeg-media.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { Media } from '../../protocol/media.ts'
import type { Plan } from '../../protocol/plan.ts'
import { cachePath } from '../../testing/tools/cache.ts'
import type { FfmpegBuild } from '../../testing/tools/ffmpegs.ts'

export interface Peer {
  readonly build: FfmpegBuild
  readonly media: Media
  readonly capability: Capability
  /** The encoder that it does without. */
  readonly without: string | undefined
}

/** A cell of the tables, and whether it is as it must be. */
export interface Cell {
  readonly text: string
  readonly ok: boolean
}

/** `without`: an encoder, as task classes name it, that the peer does without, and no plan of it names. */
export async function createPeer(build: FfmpegBuild, without?: string): Promise<Peer> {
  const { ffmpeg, ffprobe } = build
  const media = createFfmpegMedia({
    ffmpeg,
    ffprobe,
    clock: systemClock,
    rng: systemRng,
    cacheDir: cachePath('self-tests'),
  })
  const { decoders, filters, encoders: all } = await media.selfTest(AbortSignal.timeout(300_000))
  const encoders = all.filter((word) => !word.startsWith(`${without}-`))
  const workers = [{ slots: 1, encoders, renditions: 'all' } as const]
  return {
    build,
    media: { ...media, plan: (job) => media.plan({ ...job, workers }) },
    capability: { decoders, filters, encoders, renditions: 'all', kinds: ['audio'] },
    without,
  }
}

/** Whether it would take every task of this plan. */
export function takesAll({ capability }: Peer, plan: Plan): boolean {
  return plan.renditions.every((rendition) => canDo(capability, rendition.class))
}

/** One sentence, short enough for a table's foot. */
export function why(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 300)
}
