/** What a ladder costs: of a 1080p source, relative to the default ladder, and in CPU time where speeds are measured. Pure. */
import { costOf, encoderOfWord, encoderWords } from '../../media/codecs/codecs.ts'
import { renditionsFor } from '../../media/ladder.ts'
import type { Ladder } from '../../protocol/ladder.ts'
import { LADDERS } from '../../protocol/ladders.ts'
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
      return [each.id, costOf(each, word === undefined ? undefined : encoderOfWord(each.codec, word))]
    }),
  )

const sum = (costs: ReadonlyMap<RenditionId, number>): number => [...costs.values()].reduce((all, one) => all + one, 0)

/** CPU time of a ladder ÷ that of the default ladder. */
export const relativeCost = (ladder: Pick<Ladder, 'renditions'>): number =>
  sum(costsOf(ladder)) / sum(costsOf(LADDERS['default']!))

/**
 * Seconds of CPU that a peer takes for a minute of such a source, by the speeds that it has measured (`Heartbeat.speeds`); null where it has not
 * encoded with all of these codecs and presets yet.
 */
export function cpuSeconds(
  ladder: Pick<Ladder, 'renditions'>,
  { encoders, speeds }: { readonly encoders: readonly string[]; readonly speeds: Readonly<Record<string, number>> },
): number | null {
  const costs = costsOf(ladder, encoders)
  let seconds = 0
  for (const { id, codec, preset } of ladder.renditions) {
    const cost = costs.get(id)
    const measured = speeds[`${codec}/${preset}`]
    if (cost !== undefined && measured === undefined) return null
    seconds += 60 * (cost ?? 0) * (measured ?? 0)
  }
  return seconds
}
