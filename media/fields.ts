/**
 * Interlaced HEVC: every packet, and every decoded picture, is one field of half the height. Two of them make a frame. Pure.
 *
 * H.264 and MPEG-2 need none of this: ffmpeg's decoders put their fields together.
 */
import { fraction } from './commands/argument.ts'
import type { DecodedFrame, Packets } from './packet-index.ts'

/** Whether the pictures of the beginning, in order of time, are fields of both parities by turns; `head` is what they decoded to. */
export function areFields(codec: string, head: readonly DecodedFrame[]): boolean {
  const [first, second] = [...head].sort((a, b) => a.pts - b.pts)
  if (codec !== 'hevc' || first === undefined || second === undefined) return false
  return first.interlaced && second.interlaced && first.topFieldFirst !== second.topFieldFirst
}

/** The times of whole frames: those of their first fields. A last field without its pair is none. */
export const frameTimes = (fieldTimes: readonly number[]): number[] =>
  fieldTimes.filter((_, at) => at % 2 === 0 && at + 1 < fieldTimes.length)

/** The packets with only first fields as keyframes: a cut that began with a second one would pair fields of two frames. */
export function keyedByFrames(packets: Packets, times: readonly number[]): Packets {
  const first = new Set(times)
  return { ...packets, key: packets.key.map((key, at) => key && first.has(packets.pts[at]!)) }
}

/**
 * The filters that put fields together into frames with the times of their first fields. `weave` gives a frame half the time of its second
 * field, in a time base twice as long: with doubled times of the first field nothing is rounded.
 */
export const weaveFilters = (topFieldFirst: boolean, timeBase: readonly [number, number]): string[] => [
  "setpts='2*if(mod(N,2),PREV_INPTS,PTS)'",
  `weave=first_field=${topFieldFirst ? 'top' : 'bottom'}`,
  `settb=${fraction(timeBase, '/')}`,
  'setpts=PTS/2',
]
