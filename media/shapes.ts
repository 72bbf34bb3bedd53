/**
 * Fits pictures whose shape changes in mid-film into the frame of a rendition: each keeps its proportions, with black bars. Pure.
 *
 * Chunks begin where the shape changes, so that most have one shape; one that is read straight from the source may have several.
 */
import type { Rational, Shape, VideoFacts } from '../protocol/plan.ts'
import { integer, seconds } from './commands/argument.ts'
import { displaySize, evenSize, type Size } from './ladder.ts'
import { secondsOf } from './rational.ts'

/** A shape of a chunk. `from_s`: seconds from the start of the chunk to its first frame. */
export interface TimedShape extends Omit<Shape, 'start_pts'> {
  readonly from_s: number
}

/** The size and pixel aspect of a shape alone. */
export const sizeOf = ({ width, height, sample_aspect }: Shape): Omit<Shape, 'start_pts'> => ({
  width,
  height,
  sample_aspect,
})

/** The shapes between two times, half-open, in order; the first holds from the beginning. Times are ticks of `timeBase`. */
export function shapesIn(
  shapes: readonly Shape[],
  { start_pts, end_pts }: { readonly start_pts: number; readonly end_pts: number },
  timeBase: Rational,
): TimedShape[] {
  const known = shapes.filter((shape) => shape.start_pts < end_pts)
  const first = Math.max(
    0,
    known.findLastIndex((shape) => shape.start_pts <= start_pts),
  )
  return known.slice(first).map((shape, at) => ({
    ...sizeOf(shape),
    from_s: at === 0 ? 0 : secondsOf(shape.start_pts - start_pts, timeBase),
  }))
}

/** Scaling into the frame `size`: the size for the `scale` filter, and the filters that add bars after all others. */
export interface Fitting {
  readonly size: string
  readonly bars: readonly string[]
}

/** How pictures of these shapes (none: all fill the frame) come into the frame. */
export function fitting(video: VideoFacts, size: Size, shapes: readonly TimedShape[]): Fitting {
  const whole = `${integer(size.width)}:${integer(size.height)}`
  const fitted = shapes.map((shape) => ({ from_s: shape.from_s, ...into(displaySize({ ...video, ...shape }), size) }))
  const [first] = fitted
  if (first === undefined || fitted.every(({ width, height }) => `${width}:${height}` === whole))
    return { size: whole, bars: [] }
  if (fitted.length === 1)
    return { size: `${integer(first.width)}:${integer(first.height)}`, bars: [`pad=${whole}:(ow-iw)/2:(oh-ih)/2`] }
  const by = (side: 'width' | 'height') =>
    `'${overTime(fitted.map((each) => ({ from_s: each.from_s, value: each[side] })))}'`
  return {
    size: `w=${by('width')}:h=${by('height')}:eval=frame`,
    bars: [`pad=${whole}:(ow-iw)/2:(oh-ih)/2:eval=frame`],
  }
}

function into(display: Size, frame: Size): Size {
  const scale = Math.min(frame.width / display.width, frame.height / display.height)
  return evenSize({ width: display.width * scale, height: display.height * scale }, frame)
}

/** Half the shortest time between two frames that may differ, s: times in a filter are rounded. */
const HALF_TICK_S = 0.000_5

/** An expression of ffmpeg: the value at the time `t`, s. */
function overTime(values: readonly { from_s: number; value: number }[]): string {
  const [first, ...later] = values
  if (later.length === 0) return integer(first!.value)
  return `if(lt(t,${seconds(later[0]!.from_s - HALF_TICK_S)}),${integer(first!.value)},${overTime(later)})`
}
