/** What a ladder costs: of a 1080p source, relative to the default ladder, and in CPU time where speeds are measured. Pure. */
import { costOf, encoderOfWord, encoderWords, usedPreset } from '../../media/codecs/codecs.ts'
import { renditionsFor } from '../../media/ladder.ts'
import { speedKey } from '../../protocol/capability.ts'
import type { Ladder } from '../../protocol/ladder.ts'
import { builtInLadders } from '../../protocol/ladders.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

/** A picture of 1,920×1,080 pixels. */
const SOURCE = { width: 1920, height: 1080 }

/**
 * The cost of one frame in each rendition that such a source gets, in megapixels of libx264 at medium, with the preferred one of these encoders. Only for
 * renditions that a codec can encode.
 */
export const costsOf = (
  { renditions }: Pick<Ladder, 'renditions'>,
  encoders: readonly string[] = [],
): ReadonlyMap<RenditionId, number> =>
  new Map(
    renditionsFor({ display: SOURCE, asked: renditions, upscale: false }).map((each) => {
      const [word] = encoderWords(encoders, each)
      const used = word === undefined ? each : { ...each, preset: usedPreset(each, word) }
      return [each.id, costOf(used, word === undefined ? undefined : encoderOfWord(each.codec, word))]
    }),
  )

const sum = (costs: ReadonlyMap<RenditionId, number>): number => [...costs.values()].reduce((all, one) => all + one, 0)

/** CPU time of a ladder ÷ that of the default ladder. */
export const relativeCost = (ladder: Pick<Ladder, 'renditions'>): number =>
  sum(costsOf(ladder)) / sum(costsOf(builtInLadders()['default']!))

/**
 * Seconds of CPU that a peer takes for a minute of such a source, by the speeds that it has measured (`Heartbeat.speeds`); null where it has not
 * encoded with all of its encoders at these presets yet. Throws `AttemptFailed('build_cannot')` for an encoder that this version does not know.
 */
export function cpuSeconds(
  ladder: Pick<Ladder, 'renditions'>,
  { encoders, speeds }: { readonly encoders: readonly string[]; readonly speeds: Readonly<Record<string, number>> },
): number | null {
  const costs = costsOf(ladder, encoders)
  let seconds = 0
  for (const rendition of ladder.renditions) {
    const cost = costs.get(rendition.id)
    const [word] = encoderWords(encoders, rendition)
    const measured = word === undefined ? undefined : speeds[speedKey(word, usedPreset(rendition, word))]
    if (cost !== undefined && measured === undefined) return null
    seconds += 60 * (cost ?? 0) * (measured ?? 0)
  }
  return seconds
}
