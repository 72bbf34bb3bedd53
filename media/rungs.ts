/**
 * Which rungs of the ladder a source gets, and the size of the picture in each. Pure.
 *
 * A rung is a box that the upright picture with square pixels is fitted into; the box turns for portrait pictures.
 * Pictures grow only when asked. A rung is left out only where the source already fits the next lower one asked for;
 * the lowest one asked for is always made, at the source's own size where that is smaller.
 */
import { RESOLUTIONS, type Resolution } from '../protocol/ids.ts'
import type { VideoFacts } from '../protocol/plan.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Rung extends Size {
  readonly resolution: Resolution
}

const BOXES: Readonly<Record<Resolution, Size>> = {
  '480p': { width: 854, height: 480 },
  '720p': { width: 1280, height: 720 },
  '1080p': { width: 1920, height: 1080 },
}

/** The picture as a person sees it: square pixels, upright. Not rounded. */
export function displaySize(video: Pick<VideoFacts, 'width' | 'height' | 'sample_aspect' | 'rotation'>): Size {
  const [numerator, denominator] = video.sample_aspect
  const width = (video.width * numerator) / denominator
  const turned = video.rotation === 90 || video.rotation === 270
  return turned ? { width: video.height, height: width } : { width, height: video.height }
}

/** Lowest first. Never empty where `asked` is not. */
export function rungsFor(options: { display: Size; asked: readonly Resolution[]; upscale: boolean }): Rung[] {
  const { display, upscale } = options
  const asked = RESOLUTIONS.filter((resolution) => options.asked.includes(resolution))
  const wanted = asked.filter((_, at) => {
    const lower = asked[at - 1]
    return lower === undefined || upscale || !fits(display, boxFor(lower, display))
  })
  return wanted.map((resolution) => ({ resolution, ...fitted(display, boxFor(resolution, display), upscale) }))
}

function boxFor(resolution: Resolution, display: Size): Size {
  const box = BOXES[resolution]
  return display.height > display.width ? { width: box.height, height: box.width } : box
}

const fits = (picture: Size, box: Size): boolean => picture.width <= box.width && picture.height <= box.height

function fitted(display: Size, box: Size, upscale: boolean): Size {
  const scale = Math.min(box.width / display.width, box.height / display.height, upscale ? Infinity : 1)
  return { width: even(display.width * scale, box.width), height: even(display.height * scale, box.height) }
}

/** Nearest even number from 2 to `max` (even); an odd size of the source itself loses a line rather than gain one. */
function even(value: number, max: number): number {
  return Math.max(2, Math.min(max, 2 * Math.ceil(value / 2 - 0.5)))
}
