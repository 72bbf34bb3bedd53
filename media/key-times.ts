/** The keyframes of a source by their times, and searches in sorted times. Pure. */
import type { Packets } from './packet-index.ts'

/** Times of the keyframes that are shown, ascending, in ticks; `times`: those of the frames. */
export function keyTimes(packets: Packets, times: readonly number[]): number[] {
  const shown = packets.pts.filter((pts, at) => packets.key[at] && !packets.discarded[at] && pts >= times[0]!)
  return shown.sort((a, b) => a - b)
}

/** First index whose value is not below `value`. */
export function lowerBound(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** First index whose value is above `value`, of whole ticks. */
export const upperBound = (sorted: readonly number[], value: number): number => lowerBound(sorted, value + 0.5)
