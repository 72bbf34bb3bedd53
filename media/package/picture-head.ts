/** How the file of a rendition begins, from any of its encoded chunks: all of them have the same parameter sets. Pure. */
import type { Plan, Rational, RenditionPlan } from '../../protocol/plan.ts'
import { codecOf } from '../codecs/codecs.ts'
import type { Track } from '../mp4.ts'
import { reduced } from '../rational.ts'
import { type EntryFacts, entryFacts } from './entry.ts'
import type { TrackHead } from './init.ts'
import { type Fragment, reorderDelay } from './layout.ts'

/** The beginning, and what manifests say of the codec. */
export interface PictureHead extends Pick<EntryFacts, 'codecs' | 'range'> {
  readonly head: TrackHead
  readonly hasCaptions: boolean
}

/** How long pictures of a rendition are decoded before they are shown, ticks. Throws `AttemptFailed` for a codec that is not known here. */
export const pictureDelay = (plan: Plan, { codec }: RenditionPlan): number =>
  reorderDelay(plan, codecOf(codec).reorders)

/** The beginning of the track of a rendition. Throws as `entryFacts`. */
export function pictureHead(chunk: Track, rendition: RenditionPlan, plan: Plan): PictureHead {
  const { entry, codecs, range } = entryFacts(chunk)
  const { width, height } = rendition
  const { language } = plan.metadata.picture
  const delay = pictureDelay(plan, rendition)
  return {
    head: { kind: 'video', timescale: plan.track_timescale, language, width, height, entry, delay },
    codecs,
    range,
    hasCaptions: plan.video.captions === true && codecOf(rendition.codec).captions,
  }
}

/** Pictures per second; of a variable rate the most that one of these fragments has, to a thousandth. */
export function pictureRate(plan: Plan, fragments: readonly Fragment[]): Rational {
  if (!plan.variable_rate) return plan.fps
  const rates = fragments.map(({ from, to, start, end }) => ((to - from) * plan.track_timescale) / (end - start))
  return reduced(Math.max(1, Math.round(1_000 * Math.max(...rates))), 1_000)
}
