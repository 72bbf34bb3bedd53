/**
 * What becomes of every part of a source that ffprobe names: streams, their flags, tags and side data, attachments, programmes and chapters.
 * Pure. Parts that nobody misses have no note; parts of one kind share a sentence.
 */
import type { Packaging } from '../../protocol/artifact.ts'
import type { Fate } from '../../protocol/plan.ts'
import { FLAGS } from '../../protocol/plan.ts'
import { type Json, list, number, object, tag, text } from './json.ts'
import { languageOf } from './language.ts'
import { described, streamPart } from './parts.ts'
import { type Selection, whyNoCover, whyNoPicture } from './selection.ts'
import { sideDataFates } from './side-data.ts'
import { isPictures, isStyled } from './subtitles.ts'
import { beyond, entriesOf, type FileTags, isUnmissed, tagPart, targetOf, withoutPlace } from './tags.ts'
import { lineOf, namesOf } from './text.ts'
import { handlerTitle, TITLE_CHARS_MAX, TRACKS_MAX } from './tracks.ts'

/** The fates of all parts but the tags of the file. */
export function streamFates(root: Json, selection: Selection, file: FileTags): Fate[] {
  const streams = list(root['streams'])
  const { picture, pictures, audio, subtitles, bitmaps, attachments, covers, chapterTracks } = selection
  const copied = copiedNote(pictures)
  const held = new Set([
    ...pictures,
    ...covers,
    ...bitmaps,
    ...attachments,
    ...(selection.packaging === 'mkv' ? subtitles.filter(isStyled) : []),
  ])
  const taken = new Set([picture, ...audio, ...subtitles, ...held])
  const used = new Set([...taken, ...chapterTracks])
  return [
    ...streams
      .filter((stream) => used.has(stream))
      .map(
        (stream): Fate => ({
          part: streamPart(stream),
          fate: held.has(stream) ? 'kept' : 'converted',
          note: pictures.includes(stream) ? copied : null,
        }),
      ),
    ...leftOut(
      streams.filter((stream) => !used.has(stream)),
      selection,
    ),
    ...pictureFates(selection),
    ...sideDataFates(streams, selection),
    ...streams.flatMap((stream) => languageFate(stream, taken)),
    ...flagFates(streams, taken, pictures),
    ...tagFates(streams, taken, { tags: file.tags, repeated: file.isOgg ? picture : {} }),
    ...programmeFates(list(root['programs'])),
    ...chapterFates(list(root['chapters'])),
  ]
}

/** That pictures beside that of the results are not encoded. */
const copiedNote = (pictures: readonly Json[]): string =>
  `${namesOf('Video track', pictures.map(described))} ${pictures.length === 1 ? 'is' : 'are'} copied into each result, not encoded.`

const NO_PICTURES: Readonly<Record<Packaging, string | null>> = {
  mp4: 'MP4 holds text subtitles, no pictures',
  mkv: 'Matroska does not hold pictures of this kind',
}

interface Reason {
  /** `Audio track`. */
  readonly what: string
  /** The end of a sentence after `is left out:`; null where nobody misses it. */
  readonly why: string | null
}

/** Streams without a result, those of one kind and reason in one sentence. */
function leftOut(streams: readonly Json[], selection: Selection): Fate[] {
  const groups = Map.groupBy(streams, (stream) => JSON.stringify(reasonOf(stream, selection)))
  return [...groups].flatMap(([key, members]) => {
    const { what, why } = JSON.parse(key) as Reason
    const names = members.map((stream) => attachmentName(stream) ?? described(stream))
    const note =
      why === null ? null : `${namesOf(what, names)} ${members.length === 1 ? 'is' : 'are'} left out: ${why}.`
    return members.map((stream): Fate => ({ part: streamPart(stream), fate: 'left_out', note }))
  })
}

function reasonOf(stream: Json, { foreign, iamf, packaging }: Selection): Reason {
  const isForeign = foreign.has(stream) ? 'the picture of the result is of another programme' : null
  const disposition = object(stream['disposition'])
  switch (text(stream['codec_type'])) {
    case 'audio': {
      const part = iamf.has(stream) ? 'ffmpeg does not join the streams of an IAMF sound' : null
      return { what: 'Audio track', why: isForeign ?? part ?? `only ${TRACKS_MAX} tracks are taken` }
    }
    case 'subtitle': {
      const bitmap = isPictures(stream) ? NO_PICTURES[packaging] : null
      return {
        what: 'Subtitle track',
        why: isForeign ?? bitmap ?? `only ${TRACKS_MAX} tracks are taken`,
      }
    }
    case 'video':
      if (number(disposition['attached_pic']) === 1 && number(disposition['timed_thumbnails']) !== 1)
        return { what: 'Cover', why: whyNoCover(stream) }
      return { what: 'Video track', why: isForeign ?? whyNoPicture(stream, packaging) }
    case 'attachment':
      return {
        what: 'Attachment',
        why: packaging === 'mp4' ? 'MP4 holds no attachments' : 'it has no name or no media type',
      }
    default:
      return dataReason(stream)
  }
}

/** Data of cameras and broadcasts, by sample entry or codec. */
const DATA: Readonly<Record<string, string>> = {
  gpmd: 'GoPro telemetry', fdsc: 'GoPro data', camm: 'camera motion', mebx: 'Apple metadata', rtmd: 'Sony metadata',
  djmd: 'DJI metadata', dbgi: 'DJI debug data', klv: 'KLV metadata', scte_35: 'SCTE 35 cues', timed_id3: 'ID3 metadata',
} // biome-ignore format: a table

function dataReason(stream: Json): Reason {
  const [entry, codec] = [text(stream['codec_tag_string']), text(stream['codec_name'])]
  // A timecode is kept by its tag; menus and guides mean nothing without their disc or channel.
  if (entry === 'tmcd' || codec === 'dvd_nav_packet' || codec === 'epg') return { what: 'Data track', why: null }
  const name = DATA[entry] ?? DATA[codec]
  return { what: 'Data track', why: `a result holds picture, sound, text and covers, not ${name ?? 'other data'}` }
}

const attachmentName = (stream: Json): string | null =>
  text(stream['codec_type']) === 'attachment' ? tag(stream, 'filename') || null : null

/** A language that a result says less exactly, or cannot say. */
function languageFate(stream: Json, taken: ReadonlySet<Json>): Fate[] {
  const { code, tag, isNarrowed } = languageOf(stream)
  if (tag === '') return []
  const part = tagPart('language', ofStream(stream))
  if (!taken.has(stream)) return [{ part, fate: 'left_out', note: null }]
  if (!isNarrowed) return [{ part, fate: code === '' || code === tag ? 'kept' : 'converted', note: null }]
  const note =
    code === ''
      ? `The language of track ${number(stream['index'])}, ${tag}, is left out: it is none that MP4 can name.`
      : `The language of track ${number(stream['index'])}, ${tag}, is written as ${code}: ffmpeg writes three letters into MP4.`
  return [{ part, fate: code === '' ? 'left_out' : 'converted', note }]
}

const ofStream = (stream: Json): string => ` of ${streamPart(stream)}`

/** Flags that a cover has in a result, and those that are read to choose the picture. */
const OTHER_FLAGS = new Set(['attached_pic', 'timed_thumbnails', 'still_image'])

function flagFates(streams: readonly Json[], taken: ReadonlySet<Json>, pictures: readonly Json[]): Fate[] {
  const fates: Fate[] = []
  const lost: { flag: string; stream: Json }[] = []
  for (const stream of streams) {
    for (const [flag, value] of Object.entries(object(stream['disposition']))) {
      if (number(value) !== 1) continue
      const part = `flag ${flag}${ofStream(stream)}`
      // The picture that is played where nothing is chosen is the one that is encoded.
      const isNoDefault = flag === 'default' && pictures.includes(stream)
      if (!taken.has(stream) || isNoDefault) fates.push({ part, fate: 'left_out', note: null })
      else if ((FLAGS as readonly string[]).includes(flag) || OTHER_FLAGS.has(flag))
        fates.push({ part, fate: 'kept', note: null })
      else lost.push({ flag, stream })
    }
  }
  for (const [flag, members] of Map.groupBy(lost, (each) => each.flag)) {
    const note = `The flag ${flag} of ${namesOf(
      'track',
      members.map(({ stream }) => described(stream)),
    )} is left out: MP4 has no place for it.`
    fates.push(
      ...members.map(({ stream }): Fate => ({ part: `flag ${flag}${ofStream(stream)}`, fate: 'left_out', note })),
    )
  }
  return fates
}

/** `repeated`: the stream whose tags others repeat. */
function tagFates(
  streams: readonly Json[],
  taken: ReadonlySet<Json>,
  { tags, repeated }: { tags: FileTags['tags']; repeated: Json },
): Fate[] {
  return streams.flatMap((stream) => {
    const of = ofStream(stream)
    const lost: string[] = []
    const fates = entriesOf(stream).flatMap(([key, value]): Fate[] => {
      const part = tagPart(key, of)
      if (key === 'language') return []
      const isTitle = key === 'title' || (key === 'handler_name' && handlerTitle(stream) !== '')
      // Ogg repeats the tags of the file in each stream.
      if (key === 'timecode' || tags[targetOf(key) ?? ''] === value) return [{ part, fate: 'kept', note: null }]
      if (taken.has(stream) && isTitle) return [titleFate(part, value, stream)]
      if (taken.has(stream) && !isUnmissed(key) && tag(repeated, key) !== value) lost.push(key)
      return [{ part, fate: 'left_out', note: null }]
    })
    return [
      ...fates,
      ...withoutPlace(lost, { of, label: `of track ${number(stream['index'])}` }),
      ...beyond(stream, of),
    ]
  })
}

function titleFate(part: string, value: string, stream: Json): Fate {
  const whole = lineOf(value, Number.POSITIVE_INFINITY)
  if (whole.length <= TITLE_CHARS_MAX) return { part, fate: 'kept', note: null }
  const note = `The title of track ${number(stream['index'])} is cut to the first ${TITLE_CHARS_MAX} of its ${whole.length} characters.`
  return { part, fate: 'converted', note }
}

/** Programmes of a broadcast: their streams have fates of their own, their names are left out. */
function programmeFates(programmes: readonly Json[]): Fate[] {
  return programmes.slice(0, PROGRAMMES_MAX).flatMap((programme) => {
    const name = `programme ${number(programme['program_id'])}`
    const left = (part: string): Fate => ({ part, fate: 'left_out', note: null })
    return [left(name), ...entriesOf(programme).map(([key]) => left(tagPart(key, ` of ${name}`)))]
  })
}

const PROGRAMMES_MAX = 100

function chapterFates(chapters: readonly Json[]): Fate[] {
  if (chapters.length === 0) return []
  const keys = new Set(chapters.flatMap((chapter) => entriesOf(chapter).map(([key]) => key)))
  const lost = [...keys].filter((key) => key !== 'title' && !isUnmissed(key))
  return [
    { part: 'chapters', fate: 'kept', note: null },
    ...[...keys].map(
      (key): Fate => ({ part: tagPart(key, ' of chapters'), fate: key === 'title' ? 'kept' : 'left_out', note: null }),
    ),
    ...withoutPlace(lost, { of: ' of chapters', label: 'of the chapters' }),
  ]
}

/** What no result can show of the picture. */
function pictureFates({ picture, facts }: Selection): Fate[] {
  const alpha = 'The picture has an alpha channel, which is left out: transparent parts come out opaque.'
  const hasAlpha = tag(picture, 'alpha_mode') === '1' || ALPHA.test(facts.pixel_format)
  return hasAlpha ? [{ part: 'transparency', fate: 'left_out', note: alpha }] : []
}

/** Pixel formats with an alpha channel. */
const ALPHA = /^(?:yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|ayuv|vuya)/
