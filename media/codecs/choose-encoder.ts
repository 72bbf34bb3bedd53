/** Which encoder a plan names where a codec has several. Pure. */
import { allowsRendition, speedKey } from '../../protocol/capability.ts'
import { ASSUMED_S } from '../../protocol/limits.ts'
import type { WorkerAbility } from '../../protocol/media.ts'
import type { Rendition } from '../../protocol/rendition.ts'
import { encoderOfWord, encoderWords, usedPreset } from './codecs.ts'

/**
 * How many times the speed of the workers with an encoder those with a less preferred one must have together: its files are larger, but many idle
 * workers are not worth that.
 */
const PASSED_OVER_AT = 4

/**
 * The encoder to name for a rendition, of `own`, which can make the trial frame of a plan: the most preferred one that a worker has, unless those with
 * another are together much faster. Where no worker has any, the most preferred one; undefined where none is of the codec.
 */
export function chooseEncoder(
  rendition: Pick<Rendition, 'id' | 'codec' | 'preset' | 'bit_depth'>,
  own: readonly string[],
  workers: readonly WorkerAbility[],
): string | undefined {
  const speedOf = (word: string): number => {
    const preset = usedPreset(rendition, word)
    const cost = encoderOfWord(rendition.codec, word).presets[preset] ?? 1
    return workers
      .filter((worker) => worker.encoders.includes(word) && allowsRendition(worker, rendition.id))
      .reduce((sum, { slots, speeds }) => sum + slots / (cost * (speeds?.[speedKey(word, preset)] ?? ASSUMED_S)), 0)
  }
  const [first, ...others] = encoderWords(own, rendition)
  return others.reduce((chosen, word) => (speedOf(word) > PASSED_OVER_AT * speedOf(chosen!) ? word : chosen), first)
}
