/**
 * Which films are encoded one chunk at a time, by several threads: those of a machine of two cores that encodes nothing else, where this keeps both as busy
 * as two encodes beside each other would. It takes half of their memory. Pure.
 */
import { CHUNK_S, CHUNKS_OF_SHORT } from '../protocol/limits.ts'
import type { VideoFacts } from '../protocol/plan.ts'
import type { Recipe } from '../protocol/recipe.ts'
import { costOf, encodeCoresOf } from './codecs/codecs.ts'
import { displaySize, renditionsFor } from './ladder.ts'

/** A film, and what is to be made of it. */
export interface OneFilm {
  /** As in `Media.plan`. */
  readonly isAlone: boolean
  /** Length, s. */
  readonly seconds: number
  readonly video: VideoFacts
  readonly recipe: Pick<Recipe, 'renditions' | 'upscale'>
}

/** Cores of two that the threads of each encoder keep busy at least. */
const CORES_MIN = 1.8
/**
 * Least cost of all renditions, as of `costOf`, for each megapixel of the source: what decodes and scales is one thread. Measured as CPU ÷ wall of 1080p to
 * 480p and 720p by one process: 1.91 at medium, a cost of 0.64, and 1.75 at veryfast, of 0.22, where two processes keep 1.9 busy.
 */
const COST_MIN = 0.6

/** Whether it is. A short film is cut where two slots end soonest (`short-cuts.ts`). */
export function isOneAtATime({ isAlone, seconds, video, recipe: { renditions, upscale } }: OneFilm): boolean {
  if (!isAlone || seconds <= CHUNKS_OF_SHORT * CHUNK_S.max) return false
  if (encodeCoresOf(renditions) < CORES_MIN) return false
  const sized = renditionsFor({ display: displaySize(video), asked: renditions, upscale })
  const cost = sized.reduce((sum, each) => sum + costOf(each), 0)
  return cost * 1e6 >= COST_MIN * video.width * video.height
}
