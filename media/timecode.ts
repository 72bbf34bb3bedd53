/** The timecode of the first picture, as far as a result can hold it. Pure. */
import type { Fate, Metadata, Plan } from '../protocol/plan.ts'

/**
 * The metadata with the timecode where it fits the frame rate, else without, and a fate. ffmpeg refuses to write a whole file for a
 * timecode that drops frames (`;`) at another rate than a multiple of 29.97.
 */
export function fitTimecode(
  metadata: Metadata,
  { fps: [numerator, denominator], variable_rate }: Pick<Plan, 'fps' | 'variable_rate'>,
): { metadata: Metadata; fates: Fate[] } {
  const { timecode } = metadata.picture
  if (timecode === null) return { metadata, fates: [] }
  const rate = Math.round(numerator / denominator)
  const drops = /[;.]/.test(timecode)
  const isInRate = Number(timecode.slice(-2)) < rate && (!drops || (rate % 30 === 0 && numerator % denominator !== 0))
  if (isInRate && !variable_rate) return { metadata, fates: [{ part: 'timecode', fate: 'kept', note: null }] }
  const fps = variable_rate
    ? 'a constant frame rate'
    : `${Number((numerator / denominator).toFixed(3))} frames per second`
  const note = `The timecode ${timecode} is left out: it is none of ${fps}.`
  return {
    metadata: { ...metadata, picture: { ...metadata.picture, timecode: null } },
    fates: [{ part: 'timecode', fate: 'left_out', note }],
  }
}
