/** The rate of pictures that are counted, as their packets have no times, or only those of decoding. Pure. */
import type { SourceProbe } from '../protocol/media.ts'
import type { Rational } from '../protocol/plan.ts'
import type { Packets } from './packet-index.ts'
import type { Rates } from './probe/probe.ts'
import { parseRational, reduced, secondsOf } from './rational.ts'

type Facts = Pick<SourceProbe, 'time_base' | 'video'> & { readonly rates: Rates }

/** The rate that ffmpeg assumes, where a stream does not say its own. */
const ASSUMED_RATE: Rational = [25, 1]

/** The rate of a bare stream. From ffmpeg 7 on the average is only assumed, and the other is that of fields where the codec is H.264. */
export function streamRate({ rates, video }: Pick<Facts, 'rates' | 'video'>): Rational {
  const [real, average] = [parseRational(rates.real), parseRational(rates.average)]
  if (real === null) return average ?? ASSUMED_RATE
  const isOfFields = video.codec === 'h264' && real.join() !== average?.join()
  return isOfFields ? reduced(real[0], 2 * real[1]) : real
}

/** Most that counting may move a picture, seconds. */
const MOVED_MAX_S = 0.1

/** The rate of pictures whose times are those of decoding; null where it is not constant. */
export function decodeRate(
  packets: Packets,
  { rates, time_base }: Pick<Facts, 'rates' | 'time_base'>,
): Rational | null {
  const timeBase = packets.timeBase ?? time_base
  const times = shownTimes(packets)
  const steps = times.slice(1).map((time, at) => time - times[at]!)
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0
  const exact = usual > 0 ? reduced(timeBase[1], timeBase[0] * usual) : null
  const guesses = [parseRational(rates.real), parseRational(rates.average), exact]
  return guesses.find((rate) => rate !== null && isRateOf(rate, steps, timeBase)) ?? null
}

/** Nine of ten steps are of this rate, as far as the clock can say, and so is their sum. */
function isRateOf([count, seconds]: Rational, steps: readonly number[], timeBase: Rational): boolean {
  const step = (timeBase[1] * seconds) / (timeBase[0] * count)
  const even = steps.filter((each) => Math.abs(each - step) <= 1 + step / 5).length
  const moved = steps.reduce((sum, each) => sum + each - step, 0)
  return even >= 0.9 * steps.length && Math.abs(secondsOf(moved, timeBase)) <= MOVED_MAX_S
}

/** Ascending times of the packets that are shown, as far as they have any. */
export const shownTimes = ({ pts, discarded }: Packets): number[] =>
  pts.filter((time, at) => !Number.isNaN(time) && !discarded[at]).sort((a, b) => a - b)
