/**
 * The language of a track: containers say it as ISO 639-1 (`de`), 639-2/B (`ger`), 639-2/T (`deu`), BCP 47 (`de-CH`) or by its English
 * name; MP4 holds 639-2/T. Pure.
 */
import { iso6392 } from 'iso-639-2'
import { type Json, tag } from './json.ts'

/** The language of a track in a result, and how the source writes it. */
export interface Language {
  /** ISO 639-2/T, three letters; '' for `und` and what is no language. */
  readonly code: string
  /** The tag of the source on one line, at most 40 characters; '' without one. */
  readonly tag: string
  /** Whether the tag says more than the code: a script, a region, or a language that is unknown here. */
  readonly isNarrowed: boolean
}

const CODES: ReadonlyMap<string, string> = new Map(
  iso6392.flatMap(({ name, iso6391, iso6392B, iso6392T = iso6392B }) =>
    [iso6391, iso6392B, iso6392T, ...name.toLowerCase().split('; ')].flatMap((key) => (key ? [[key, iso6392T]] : [])),
  ),
)

/** The language that a stream's tags give. */
export function languageOf(stream: Json): Language {
  const said = tag(stream, 'language')
    .replace(/[^\w -]/g, '')
    .trim()
    .slice(0, 40)
  const name = said.toLowerCase()
  const [primary = '', ...more] = name.split(/[-_]/)
  if (primary === '' || primary === 'und') return { code: '', tag: said, isNarrowed: false }
  const whole = CODES.get(name)
  const code = whole ?? CODES.get(primary) ?? (/^[a-z]{3}$/.test(primary) ? primary : codeOfOlder(said))
  return { code, tag: said, isNarrowed: code === '' || (whole === undefined && more.length > 0) }
}

/** The language by the name that replaced it: `iw` is `he` today. */
function codeOfOlder(tag: string): string {
  try {
    return CODES.get(new Intl.Locale(tag).language ?? '') ?? ''
  } catch {
    return ''
  }
}
