/**
 * The tags of a film as ffmpeg writes them into MP4 beside its tracks: text in iTunes' list, and the place of the recording (`loci` of 3GPP). Pure. Tags
 * that are numbers or pairs of them are not written here.
 */
import { box, fullBox, u16, u32, u32s } from './package/box.ts'

/** The items of the list by ffmpeg's names, in its order. */
const ITEMS: readonly (readonly [string, string])[] = [
  ['title', '©nam'], ['artist', '©ART'], ['album_artist', 'aART'], ['composer', '©wrt'], ['album', '©alb'], ['date', '©day'], ['comment', '©cmt'],
  ['genre', '©gen'], ['copyright', 'cprt'], ['grouping', '©grp'], ['lyrics', '©lyr'], ['description', 'desc'], ['synopsis', 'ldes'], ['show', 'tvsh'],
  ['episode_id', 'tven'], ['network', 'tvnn'], ['keywords', 'keyw'],
] // biome-ignore format: a table
/** The kind of a value: UTF-8. */
const TEXT = 1
/** Latitude, longitude and, where it is said, altitude: ISO 6709. */
const PLACE = /^([+-]\d{1,3}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)([+-]\d{1,4}(?:\.\d+)?)?(?:CRS\w+)?\/?$/
/** Units of a degree and of a metre. */
const FIXED = 2 ** 16

/** Whether `tagsBox` writes all of these tags. */
export function areTagsWritten(tags: Readonly<Record<string, string>>): boolean {
  const { location = '', ...others } = tags
  const isKnown = (key: string) => ITEMS.some(([name]) => name === key)
  return (location === '' || PLACE.test(location)) && Object.keys(others).every(isKnown)
}

/** The box `udta` of a film with these tags, of which `areTagsWritten` is true. */
export function tagsBox(tags: Readonly<Record<string, string>>): Buffer {
  const items = ITEMS.flatMap(([name, type]) => {
    const value = tags[name] ?? ''
    return value === '' ? [] : [box(type, box('data', u32(TEXT), u32(0), Buffer.from(value)))]
  })
  const handler = box('hdlr', Buffer.alloc(8), Buffer.from('mdirappl'), Buffer.alloc(9))
  return box('udta', fullBox('meta', 0, 0, handler, box('ilst', ...items)), ...placeOf(tags['location'] ?? ''))
}

function placeOf(location: string): Buffer[] {
  const found = PLACE.exec(location)
  if (!found) return []
  const [latitude = 0, longitude = 0, altitude = 0] = found
    .slice(1)
    .map((text) => Math.trunc(FIXED * Number(text ?? 0)))
  // A name and a role of the place, which are none, then the place on earth, and no note.
  return [
    fullBox('loci', 0, 0, u16(0), Buffer.alloc(2), u32s([longitude, latitude, altitude]), Buffer.from('earth\0\0')),
  ]
}
