/**
 * The tags of a source: those of the file that a result can hold, and what becomes of each. Pure.
 *
 * ffmpeg's MP4 writer knows the names of `HELD`; other containers say the same by other names. Quick Time's own keys (make and model of
 * a phone) it writes only in place of all others, so that no player would find the title: these are left out.
 */
import type { Fate } from '../../protocol/plan.ts'
import { type Json, object, tag, text } from './json.ts'
import { streamPart } from './parts.ts'
import { cleanText, cutTo, lineOf, namesOf } from './text.ts'

/** The tags of the file in a result, by ffmpeg's names, and the fates of all tags of the source's file. */
export interface FileTags {
  readonly tags: Readonly<Record<string, string>>
  readonly fates: readonly Fate[]
  /** Whether the titles of its tracks are the file's. */
  readonly isOgg: boolean
}

/** Number of tags of one part of a file that are looked at. */
export const TAGS_MAX = 200
/** Characters of one value, and of all together: lyrics and synopses are shorter; a plan is read by every peer. */
const VALUE_CHARS_MAX = 4096
const ALL_CHARS_MAX = 32_768

const FREE = [
  'title', 'artist', 'album_artist', 'composer', 'album', 'date', 'comment', 'genre', 'copyright', 'grouping', 'lyrics',
  'description', 'synopsis', 'show', 'episode_id', 'network', 'keywords',
] // biome-ignore format: a list
const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$/
/** What the value of a tag must look like, so that ffmpeg writes it. */
const HELD: ReadonlyMap<string, RegExp> = new Map([
  ...FREE.map((key) => [key, /./] as const),
  ...['episode_sort', 'season_number'].map((key) => [key, /^\d{1,9}$/] as const),
  ...['media_type', 'gapless_playback', 'compilation'].map((key) => [key, /^\d{1,2}$/] as const),
  ...['track', 'disc'].map((key) => [key, /^[1-9]\d{0,3}(?:\/\d{1,4})?$/] as const),
  ['location', /^[+-]\d{1,3}(?:\.\d+)?[+-]\d{1,3}(?:\.\d+)?(?:[+-]\d+(?:\.\d+)?)?(?:CRS\w+)?\/?$/],
  ['creation_time', ISO_TIME],
])

/** Other names of the same. `com.apple.quicktime.` is taken off before. */
const SAME: Readonly<Record<string, string>> = {
  'location.iso6709': 'location', creationdate: 'date', date_released: 'date', date_recorded: 'date', year: 'date',
  product: 'album', author: 'artist', performer: 'artist', albumartist: 'album_artist', 'album artist': 'album_artist', summary: 'synopsis',
  tracknumber: 'track', part_number: 'track', discnumber: 'disc', season: 'season_number',
} // biome-ignore format: a table

/** Tags that nobody misses: what wrote the file and how, and what the result says of itself. */
const UNMISSED =
  /^(?:major_brand|minor_version|compatible_brands|encoder(?:_settings|-eng)?|encoding_tool|encoded_by|software|writing_.*|handler_name|vendor_id|creation_time|duration|bps|number_of_(?:frames|bytes)|_statistics_.*|source_id|rotate|variant_bitrate|stereo_mode|id3v2_priv\..*|itun(?:smpb|norm|pgap)|hd_video|filename|mimetype|alpha_mode|location\.accuracy\..*|.*android\.(?:version|capture\.fps)|.*_(?:umid|uid|ul)|uid|modification_date|(?:application|product|company|toolkit)_.*|operational_pattern_ul|service_(?:name|provider)|metadatacreator|hasvideo|hasaudio|hasmetadata|haskeyframes|cansekto(?:end)?|canseektoend|videodatarate|audiodatarate|datasize|lasttimestamp|last(?:keyframe)?timestamp|lastkeyframelocation|totalduration|totaldatarate|audiosize|videosize|(?:wm\/|wmfsdk|devicconform|isvbr|asfleakybucket).*)$/

/** Whether nobody misses a tag. `key`: in lower case. */
export const isUnmissed = (key: string): boolean => UNMISSED.test(plainName(key))

/** The tags of the file, and those of its picture: Ogg has the file's there, and others the time of recording where the file has none. */
export function fileTags(format: Json, picture: Json): FileTags {
  const isOgg = text(format['format_name']) === 'ogg'
  const held = new Map<string, string>()
  const fates: Fate[] = []
  const misfits: Said[] = []
  const all = [...saidBy(format, ''), ...(isOgg ? saidBy(picture, ` of ${streamPart(picture)}`) : [])]
  // A tag by its own name counts before another name of it, whatever the order.
  for (const each of [...all].sort((a, b) => Number(a.target !== a.key) - Number(b.target !== b.key))) {
    const fate = fateOf(each, held)
    if (fate) fates.push(fate)
    else misfits.push(each)
  }
  const others = [all.find(({ key }) => key.endsWith('quicktime.creationdate'))?.value, tag(picture, 'creation_time')]
  const recorded = others.map((value) => recordedAt(value ?? '')).find((time) => time !== null)
  if (!held.has('creation_time') && recorded) held.set('creation_time', recorded)
  const lost = [...Map.groupBy(misfits, ({ of }) => of)].flatMap(([of, said]) =>
    withoutPlace(
      said.map(({ key }) => key),
      { of, label: 'of the file' },
    ),
  )
  return { tags: Object.fromEntries(held), isOgg, fates: [...fates, ...lost, ...beyond(format, '')] }
}

const saidBy = (part: Json, of: string): Said[] =>
  entriesOf(part)
    .filter(([key]) => key !== 'language')
    .map(([key, value]) => ({ key, value, of, target: targetOf(key) }))

/** The first tags of a part of ffprobe's output: lower-case keys, and the values as they are. */
export const entriesOf = (part: Json): [string, string][] =>
  Object.entries(object(part['tags']))
    .slice(0, TAGS_MAX)
    .map(([key, value]) => [key.toLowerCase(), text(value)])

/** The one fate of all tags beyond those that are looked at. `of`: `' of stream 3'`, or '' for the file. */
export function beyond(part: Json, of: string): Fate[] {
  const count = Object.keys(object(part['tags'])).length - TAGS_MAX
  if (count <= 0) return []
  const note = `${count} more tags${of || ' of the file'} are left out: no more than ${TAGS_MAX} are read.`
  return [{ part: `further tags${of}`, fate: 'left_out', note }]
}

/** Fates of tags that MP4 has no place for, all with one sentence. */
export function withoutPlace(keys: readonly string[], { of, label }: { of: string; label: string }): Fate[] {
  const note = `${namesOf('The tag', keys)} ${label} ${keys.length === 1 ? 'is' : 'are'} left out: MP4 has no place for ${keys.length === 1 ? 'it' : 'them'}.`
  return keys.map((key) => ({ part: tagPart(key, of), fate: 'left_out', note }))
}

/** The name of a tag as a part of the source. `of`: as with `beyond`. */
export const tagPart = (key: string, of: string): string => `tag ${lineOf(key, 80)}${of}`

const plainName = (key: string): string => key.replace('com.apple.quicktime.', '')

/** The tag of a result that a tag is by its name; null where there is none. */
export function targetOf(key: string): string | null {
  const name = plainName(key)
  const plain = name.replace(/-[a-z]{3}$/, '')
  return [name, plain].map((each) => SAME[each] ?? each).find((each) => HELD.has(each)) ?? null
}

/** The fate of a tag, which is put into `held`; null where a result has no place for it. */
function fateOf({ key, value, of, target }: Said, held: Map<string, string>): Fate | null {
  const part = tagPart(key, of)
  if (key === 'timecode') return { part, fate: 'kept', note: null }
  if (target === null) return isUnmissed(key) ? { part, fate: 'left_out', note: null } : null
  const said = cleanText(value)
  const whole = target === 'creation_time' ? (recordedAt(said) ?? '') : said
  if (whole === '') return { part, fate: 'left_out', note: null }
  const other = held.get(target)
  if (other !== undefined) return other === cutTo(whole, VALUE_CHARS_MAX) ? { part, fate: 'kept', note: null } : null
  const used = [...held.values()].reduce((sum, { length }) => sum + length, 0)
  const kept = cutTo(whole, Math.min(VALUE_CHARS_MAX, ALL_CHARS_MAX - used)).trimEnd()
  if (kept === '' || !HELD.get(target)?.test(whole)) return null
  held.set(target, kept)
  if (kept.length === whole.length) return { part, fate: 'kept', note: null }
  const note = `The tag ${target} is cut to the first ${kept.length} of its ${whole.length} characters.`
  return { part, fate: 'converted', note }
}

interface Said {
  readonly key: string
  /** Whose tag it is: '' for the file. */
  readonly of: string
  readonly value: string
  /** The tag of a result that it is; null where there is none. */
  readonly target: string | null
}

/** The time of recording in UTC, which a time without a zone is taken for: ffmpeg would take the zone of its host. Null for no time. */
function recordedAt(value: string): string | null {
  const ms = ISO_TIME.test(value)
    ? Date.parse(/[T ].*(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}Z`)
    : Number.NaN
  // The beginnings of time of MP4 and Unix: cameras without a clock write them.
  const isReal = ms > Date.parse('1904-01-02') && ms < Date.parse('2200-01-01') && !value.startsWith('1970-01-01')
  return isReal ? new Date(ms).toISOString() : null
}
