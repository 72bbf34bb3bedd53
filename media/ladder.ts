/**
 * Which renditions of a ladder a source gets, and the size of the picture in each. Pure.
 *
 * A rendition has a box that the upright picture with square pixels is fitted into; the box turns for portrait pictures.
 * Pictures are enlarged only with `upscale`. A rendition is omitted only where the source fits the next smaller box of the ladder; those of
 * the smallest box are always made, at the source's own size where that is smaller. Renditions of equal boxes (two codecs at one height) are
 * made or omitted together.
 */
import type { VideoFacts } from '../protocol/plan.ts'
import { type Box, bySize, type Rendition } from '../protocol/rendition.ts'

/** A size in pixels; not rounded where noted. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** A rendition as asked for, with the size of the picture in place of the box. */
export type SizedRendition = Omit<Rendition, 'box'> & Size

/** The picture as a person sees it: square pixels, upright. Not rounded. */
export function displaySize(video: Pick<VideoFacts, 'width' | 'height' | 'sample_aspect' | 'rotation'>): Size {
  const [numerator, denominator] = video.sample_aspect
  const width = (video.width * numerator) / denominator
  const turned = video.rotation === 90 || video.rotation === 270
  return turned ? { width: video.height, height: width } : { width, height: video.height }
}

/** The renditions to make, smallest box first. Not empty unless `asked` is. */
export function renditionsFor(options: {
  display: Size
  asked: readonly Rendition[]
  upscale: boolean
}): SizedRendition[] {
  const { display, upscale } = options
  const asked = [...options.asked].sort(bySize)
  const wanted = asked.filter(({ box }) => upscale || !nextSmaller(asked, box).some((lower) => fits(display, lower)))
  return wanted.map(({ box, ...rendition }) => ({ ...rendition, ...fitted(display, box, upscale) }))
}

const area = ({ width, height }: Size): number => width * height

/** The largest boxes with fewer pixels (several where their shapes differ); none for the smallest. */
function nextSmaller(asked: readonly Rendition[], box: Box): Box[] {
  const smaller = asked.map((rendition) => rendition.box).filter((other) => area(other) < area(box))
  const largest = Math.max(...smaller.map(area))
  return smaller.filter((other) => area(other) === largest)
}

const turnedFor = (display: Size, box: Box): Box =>
  display.height > display.width ? { width: box.height, height: box.width } : box

function fits(display: Size, box: Box): boolean {
  const { width, height } = turnedFor(display, box)
  return display.width <= width && display.height <= height
}

function fitted(display: Size, box: Box, upscale: boolean): Size {
  const { width, height } = turnedFor(display, box)
  const scale = Math.min(width / display.width, height / display.height, upscale ? Infinity : 1)
  return evenSize({ width: display.width * scale, height: display.height * scale }, { width, height })
}

/** The nearest even size from 2×2 to `max`. */
export const evenSize = (size: Size, max: Size): Size => ({
  width: even(size.width, max.width),
  height: even(size.height, max.height),
})

/** Nearest even number from 2 to `max`; an odd size of the source is rounded down. */
function even(value: number, max: number): number {
  return Math.max(2, Math.min(max - (max % 2), 2 * Math.ceil(value / 2 - 0.5)))
}
