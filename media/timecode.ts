/** The timecode of the first picture, as far as a result can hold it. Pure. */
import type { SourceProbe } from '../protocol/media.ts'
import type { Fate, Plan } from '../protocol/plan.ts'

/**
 * What a probe says of the source, without a timecode that the frame rate does not have: ffmpeg refuses to write a whole file for one
 * that drops frames (`;`) at another rate than a multiple of 29.97.
 */
export function fitTimecode<Said extends Pick<SourceProbe, 'metadata' | 'fates'>>(
  said: Said,
  { fps: [numerator, denominator], variable_rate }: Pick<Plan, 'fps' | 'variable_rate'>,
): Said {
  const { picture } = said.metadata
  if (picture.timecode === null) return said
  const rate = Math.round(numerator / denominator)
  const drops = /[;.]/.test(picture.timecode)
  const isInRate =
    Number(picture.timecode.slice(-2)) < rate && (!drops || (rate % 30 === 0 && numerator % denominator !== 0))
  if (isInRate && !variable_rate) return said
  const fps = variable_rate
    ? 'a variable frame rate'
    : `${Number((numerator / denominator).toFixed(3))} frames per second`
  const note = `The timecode ${picture.timecode} is left out: it does not go with ${fps}.`
  const left = (fate: Fate): Fate =>
    /^tag timecode\b/.test(fate.part) ? { part: fate.part, fate: 'left_out', note } : fate
  const metadata = { ...said.metadata, picture: { ...picture, timecode: null } }
  return { ...said, metadata, fates: said.fates.map(left) }
}
