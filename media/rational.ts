/** Exact fractions, as ffprobe writes them, and the two sums of them that times need. */
import type { Rational } from '../protocol/plan.ts'

/** `1/90000`, `16:9`; null for `0/0`, `N/A` and anything that is not positive. */
export function parseRational(text: string | undefined): Rational | null {
  const match = /^(\d{1,15})[/:](\d{1,15})$/.exec(text ?? '')
  const [numerator, denominator] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)]
  return numerator > 0 && denominator > 0 ? reduced(numerator, denominator) : null
}

/** A ratio of two whole numbers in lowest terms. */
export function reduced(numerator: number, denominator: number): Rational {
  let [a, b] = [numerator, denominator]
  while (b > 0) [a, b] = [b, a % b]
  return [numerator / a, denominator / a]
}

/** The seconds of a number of ticks. */
export const secondsOf = (ticks: number, timeBase: Rational): number => (ticks * timeBase[0]) / timeBase[1]

/** `ticks` of `from`, plus whole seconds, in ticks of `to`; rounded to the nearest, halves away from zero, as ffmpeg does. */
export function rescale(ticks: number, from: Rational, to: Rational, plusSeconds = 0): number {
  const numerator = (BigInt(ticks) * BigInt(from[0]) + BigInt(plusSeconds) * BigInt(from[1])) * BigInt(to[1])
  const denominator = BigInt(from[1]) * BigInt(to[0])
  const half = numerator < 0n ? -denominator / 2n : denominator / 2n
  return Number((numerator + half) / denominator)
}
