/** What becomes of renditions, closed captions and HDR, which depends on the renditions that are made. Pure. */
import type { Fate, RenditionPlan, VideoFacts } from '../protocol/plan.ts'
import type { Recipe } from '../protocol/recipe.ts'
import { codecOf, encoderOf } from './codecs/codecs.ts'
import { keepsHdr } from './filter-graph.ts'
import type { SizedRendition } from './ladder.ts'

type RenditionClass = Pick<RenditionPlan, 'id' | 'codec' | 'class' | 'preset'>

/** What becomes of closed captions in the picture: not every encoder writes them. */
export function captionFates({ captions }: VideoFacts, sized: readonly SizedRendition[]): Fate[] {
  if (!captions) return []
  const part = 'closed captions of the picture'
  const without = sized.filter(({ codec }) => !codecOf(codec).captions).map(({ id }) => id)
  if (without.length === 0) return [{ part, fate: 'kept', note: null }]
  const note = `The closed captions in the picture (CEA-608/708) are left out of ${without.join(', ')}: the encoder of that codec does not write them.`
  return [{ part, fate: without.length === sized.length ? 'left_out' : 'converted', note }]
}

/** What becomes of HDR: renditions of 10 bits keep it. */
export function hdrFates(video: VideoFacts, sized: readonly SizedRendition[]): Fate[] {
  if (!video.hdr) return []
  const [kept, mapped] = [true, false].map((keeps) =>
    sized.filter(({ bit_depth }) => keepsHdr(video, bit_depth) === keeps).map(({ id }) => id),
  ) as [string[], string[]]
  if (mapped.length === 0) return [{ part: 'HDR', fate: 'kept', note: null }]
  const note =
    kept.length === 0
      ? 'The picture is HDR; these 8-bit renditions are tone-mapped to BT.709 (SDR).'
      : `The picture is HDR, and so are ${kept.join(', ')}; of 8 bits, and tone-mapped to BT.709 (SDR), are ${mapped.join(', ')}.`
  return [{ part: 'HDR', fate: 'converted', note }]
}

/** The renditions that are made at another preset than is asked for, as that build shows wrong pictures at that one. `made`: in the order of `asked`. */
export function presetFates(asked: readonly SizedRendition[], made: readonly RenditionClass[]): Fate[] {
  return made.flatMap(({ preset, ...rendition }, at) => {
    const wanted = asked[at]!.preset
    const note = `${rendition.id} is encoded at preset ${preset} in place of ${wanted}, at which this build of ${encoderOf(rendition).library} shows wrong blocks.`
    return preset === wanted ? [] : [{ part: `preset of ${rendition.id}`, fate: 'converted', note }]
  })
}

/** The renditions of the recipe that are not made, as the source has no more pixels than a smaller one. */
export function trimmedFates({ renditions }: Recipe, sized: readonly SizedRendition[]): Fate[] {
  const ids = renditions.map(({ id }) => id).filter((id) => sized.every((made) => made.id !== id))
  const names = ids.join(', ').replace(/, (?=[^,]*$)/, ' and ')
  const note = `${names} ${ids.length === 1 ? 'is' : 'are'} left out, as the picture fits into a smaller rendition.`
  return ids.map((id) => ({ part: `rendition ${id}`, fate: 'left_out', note }))
}
