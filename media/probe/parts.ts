/** The parts of a source by name, as its fates call them. Pure. */
import type { Fate } from '../../protocol/plan.ts'
import { type Json, number, text } from './json.ts'
import { languageOf } from './language.ts'
import { lineOf } from './text.ts'

/** `2 (aac, eng)`: the number of a stream and what it is. */
export function described(stream: Json): string {
  const size = number(stream['width']) > 0 ? `${number(stream['width'])}×${number(stream['height'])}` : ''
  const words = [lineOf(text(stream['codec_name']), 40) || 'unknown', size, languageOf(stream).code]
  return `${number(stream['index'])} (${words.filter((word) => word !== '').join(', ')})`
}

/** The name of a stream as a part of the source, such as `stream 2`. */
export const streamPart = (stream: Json): string => `stream ${number(stream['index'])}`

/** Fates with the later one of each part, no more than a bound: of the rest only how many are kept, converted and left out. */
export function settled(fates: readonly Fate[]): Fate[] {
  const byPart = [...new Map(fates.map((fate) => [fate.part, fate])).values()]
  const rest = Map.groupBy(byPart.slice(FATES_MAX), ({ fate }) => fate)
  const summary = [...rest].map(([fate, { length }]): Fate => {
    const note = fate === 'left_out' ? `${length} more parts of the source are left out: too many to name.` : null
    return { part: `further parts: ${fate}`, fate, note }
  })
  return [...byPart.slice(0, FATES_MAX), ...summary]
}

/** Number of fates of a plan: a long series with many subtitles and fonts has half as many, a hostile file any number. */
const FATES_MAX = 1000
