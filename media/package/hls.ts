/** The playlists of HLS, as text. Pure: the same facts give the same bytes. RFC 8216, and Apple's additions for images. */
import { segmentName, TRACK_HEADER } from '../../protocol/package.ts'
import {
  type Bandwidth,
  bandwidthOf,
  byFamily,
  type PackageFacts,
  type PictureFacts,
  type Range,
  type SoundFacts,
  type TextFacts,
  type ThumbnailFacts,
  targetDuration,
} from './facts.ts'

/** A file of text: its name, and what is in it. */
export interface TextFile {
  readonly name: string
  readonly text: string
}

/** Version 7: byte ranges and initialisation in fragmented MP4. */
export const HEAD = ['#EXTM3U', '#EXT-X-VERSION:7']
/** The name of the group of text tracks. */
const TEXTS = 'text'

/** All playlists of a package: the master playlist is the last, as the others must be there first. */
export function hlsPlaylists(facts: PackageFacts): TextFile[] {
  const { pictures, sounds, texts, thumbnails } = facts
  const tracks = [...pictures, ...sounds].map((track) => ({
    name: `${track.name}.m3u8`,
    text: mediaPlaylist(track, facts),
  }))
  const withKeys = pictures.filter((track) => isKeyed(track, facts))
  const keyframes = withKeys.map((track) => ({ name: keysName(track), text: keysPlaylist(track, facts) }))
  const words = texts.map(({ name }) => ({ name: `${name}.m3u8`, text: textPlaylist(name, facts) }))
  const images = thumbnails ? [{ name: `${thumbnails.name}.m3u8`, text: imagePlaylist(thumbnails, facts) }] : []
  return [...tracks, ...keyframes, ...words, ...images, { name: 'master.m3u8', text: masterPlaylist(facts) }]
}

const keysName = ({ name }: PictureFacts): string => `${name}-keyframes.m3u8`

/** Text of these lines. */
export const lines = (all: readonly string[]): string => `${all.join('\n')}\n`

/** Seconds with 6 decimals. */
export const time = (ticks: number, timescale: number): string => (ticks / timescale).toFixed(6)

/** Whether there is a playlist of its keyframes: they are ranges of files, and of a segment that is encrypted whole no range can be read. */
const isKeyed = ({ keyframes }: PictureFacts, { key }: PackageFacts): boolean =>
  keyframes.length > 0 && key?.method !== 'aes-128'

/** How HLS names the methods. */
const METHODS = { 'aes-128': 'AES-128', cbcs: 'SAMPLE-AES' } as const
/** The line behind the map, which is not encrypted itself. Without an IV it is the number of the segment, or, by samples, in the map. */
export const keyLine = ({ key }: Pick<PackageFacts, 'key'>): string[] =>
  key === null ? [] : [`#EXT-X-KEY:METHOD=${METHODS[key.method]},URI=${quoted(key.url)}`]

/** The lines of a playlist before its segments. */
const beginning = (ranges: readonly Range[], timescale: number): string[] => [
  ...HEAD,
  '#EXT-X-INDEPENDENT-SEGMENTS',
  '#EXT-X-PLAYLIST-TYPE:VOD',
  `#EXT-X-TARGETDURATION:${targetDuration([{ segments: ranges, timescale }])}`,
  '#EXT-X-MEDIA-SEQUENCE:0',
]

function mediaPlaylist(track: PictureFacts | SoundFacts, facts: PackageFacts): string {
  const { timescale, segments } = track
  const begin = [...beginning(segments, timescale), ...mapLines(track, facts)]
  if (!facts.isDivided)
    return lines([...begin, ...segments.flatMap((range) => rangeLines(track, range, facts)), '#EXT-X-ENDLIST'])
  return lines([
    ...begin,
    ...segments.flatMap(({ duration }, at) => [`#EXTINF:${time(duration, timescale)},`, segmentUri(track, at, facts)]),
    '#EXT-X-ENDLIST',
  ])
}

const keysPlaylist = (track: PictureFacts, facts: PackageFacts): string =>
  lines([
    ...beginning(track.keyframes, track.timescale),
    '#EXT-X-I-FRAMES-ONLY',
    ...mapLines(track, facts),
    ...track.keyframes.flatMap((range) => rangeLines(track, range, facts)),
    '#EXT-X-ENDLIST',
  ])

/** What initialises a decoder, and the key. */
const mapLines = ({ name, init }: PictureFacts | SoundFacts, facts: PackageFacts): string[] => [
  facts.isDivided
    ? `#EXT-X-MAP:URI="${facts.prefix}${name}/${TRACK_HEADER}"`
    : `#EXT-X-MAP:URI="${facts.prefix}${name}.mp4",BYTERANGE="${init}@0"`,
  ...keyLine(facts),
]

const segmentUri = ({ name }: PictureFacts | SoundFacts, at: number, { prefix }: PackageFacts): string =>
  `${prefix}${name}/${segmentName(at)}`

/** A range of the file of the track, or of that of the segment in which it lies. */
function rangeLines(
  track: PictureFacts | SoundFacts,
  { offset, bytes, duration }: Range,
  facts: PackageFacts,
): string[] {
  const { name, timescale, segments } = track
  const at = facts.isDivided ? segments.findLastIndex((segment) => segment.offset <= offset) : null
  const [from, uri] =
    at === null ? [0, `${facts.prefix}${name}.mp4`] : [segments[at]!.offset, segmentUri(track, at, facts)]
  return [`#EXTINF:${time(duration, timescale)},`, `#EXT-X-BYTERANGE:${bytes}@${offset - from}`, uri]
}

/** One segment: the whole file. A text without cues near its beginning is shown at once, and no clock has to be mapped. */
const textPlaylist = (name: string, { seconds, prefix }: PackageFacts): string =>
  lines([
    ...HEAD,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-TARGETDURATION:${Math.ceil(seconds)}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXTINF:${seconds.toFixed(6)},`,
    `${prefix}${name}.vtt`,
    '#EXT-X-ENDLIST',
  ])

function imagePlaylist(thumbnails: ThumbnailFacts, { seconds, prefix }: PackageFacts): string {
  const { name, width, height, columns, rows, interval, sheets } = thumbnails
  const each = columns * rows * interval
  return lines([
    ...HEAD,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-TARGETDURATION:${Math.ceil(Math.min(each, seconds))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-IMAGES-ONLY',
    ...sheets.flatMap((_, at) => [
      `#EXTINF:${Math.min(each, seconds - at * each).toFixed(6)},`,
      `#EXT-X-TILES:RESOLUTION=${width}x${height},LAYOUT=${columns}x${rows},DURATION=${interval}`,
      `${prefix}${sheetName(name, at)}`,
    ]),
    '#EXT-X-ENDLIST',
  ])
}

/** The file of a sheet, by its number from 0. */
export const sheetName = (name: string, at: number): string => `${name}-${String(at + 1).padStart(5, '0')}.jpg`

/** Sound that one variant has: all tracks of one codec. */
interface Group {
  readonly id: string
  readonly codecs: string
  readonly bandwidth: Bandwidth
}

/** The master playlist. `rate`: the bandwidth of a track, where its segments do not show it yet. */
export function masterPlaylist(
  facts: PackageFacts,
  rate: (track: PictureFacts | SoundFacts) => Bandwidth = bandwidthOf,
): string {
  const { pictures, sounds, texts, thumbnails, prefix } = facts
  const groups = byFamily(sounds).map(([family, tracks]): Group => {
    const all = tracks.map(rate)
    const largest = (of: keyof Bandwidth) => Math.max(...all.map((each) => each[of]))
    return {
      id: `audio-${family.toLowerCase()}`,
      codecs: tracks[0]!.codecs,
      bandwidth: { peak: largest('peak'), average: largest('average') },
    }
  })
  const ordered = byFamily(pictures).flatMap(([, tracks]) => tracks)
  return lines([
    ...HEAD,
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...byFamily(sounds).flatMap(([, tracks], at) => tracks.map((track) => soundMedia(track, groups[at]!.id, prefix))),
    ...texts.map((track) => textMedia(track, prefix)),
    ...(pictures.some(({ hasCaptions }) => hasCaptions)
      ? ['#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="captions",NAME="Captions",AUTOSELECT=YES,INSTREAM-ID="CC1"']
      : []),
    ...ordered.flatMap((track) =>
      (groups.length === 0 ? [null] : groups).flatMap((group) => [
        `#EXT-X-STREAM-INF:${variant(track, { rate: rate(track), group, hasTexts: texts.length > 0 })}`,
        `${prefix}${track.name}.m3u8`,
      ]),
    ),
    ...ordered.filter((track) => isKeyed(track, facts)).map((track) => keysVariant(track, prefix)),
    ...(thumbnails ? [imagesVariant(thumbnails, prefix)] : []),
  ])
}

const yesNo = (is: boolean): string => (is ? 'YES' : 'NO')
const quoted = (text: string): string => `"${text.replaceAll(/["\r\n]/g, ' ')}"`
/** `und` says nothing: the attribute is left out. */
const languageOf = (language: string): string[] => (language === 'und' ? [] : [`LANGUAGE=${quoted(language)}`])

const soundMedia = (track: SoundFacts, group: string, prefix: string): string =>
  `#EXT-X-MEDIA:${[
    'TYPE=AUDIO',
    `GROUP-ID=${quoted(group)}`,
    `NAME=${quoted(track.label)}`,
    ...languageOf(track.language),
    `DEFAULT=${yesNo(track.isDefault)}`,
    'AUTOSELECT=YES',
    ...(track.isDescription ? ['CHARACTERISTICS="public.accessibility.describes-video"'] : []),
    `CHANNELS="${track.channels}"`,
    `URI=${quoted(`${prefix}${track.name}.m3u8`)}`,
  ].join(',')}`

const textMedia = (track: TextFacts, prefix: string): string =>
  `#EXT-X-MEDIA:${[
    'TYPE=SUBTITLES',
    `GROUP-ID="${TEXTS}"`,
    `NAME=${quoted(track.label)}`,
    ...languageOf(track.language),
    `DEFAULT=${yesNo(track.isDefault)}`,
    'AUTOSELECT=YES',
    `FORCED=${yesNo(track.isForced)}`,
    ...(track.isForDeaf
      ? [
          'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"',
        ]
      : []),
    `URI=${quoted(`${prefix}${track.name}.m3u8`)}`,
  ].join(',')}`

function variant(
  track: PictureFacts,
  {
    rate: { peak, average },
    group,
    hasTexts,
  }: { readonly rate: Bandwidth; readonly group: Group | null; readonly hasTexts: boolean },
): string {
  return [
    `BANDWIDTH=${peak + (group?.bandwidth.peak ?? 0)}`,
    `AVERAGE-BANDWIDTH=${average + (group?.bandwidth.average ?? 0)}`,
    `CODECS="${[track.codecs, ...(group ? [group.codecs] : [])].join(',')}"`,
    `RESOLUTION=${track.width}x${track.height}`,
    `FRAME-RATE=${(track.fps[0] / track.fps[1]).toFixed(3)}`,
    `VIDEO-RANGE=${track.range}`,
    ...(group ? [`AUDIO=${quoted(group.id)}`] : []),
    ...(hasTexts ? [`SUBTITLES="${TEXTS}"`] : []),
    `CLOSED-CAPTIONS=${track.hasCaptions ? '"captions"' : 'NONE'}`,
  ].join(',')
}

function keysVariant(track: PictureFacts, prefix: string): string {
  const { peak, average } = bandwidthOf({ segments: track.keyframes, timescale: track.timescale })
  const attributes = [
    `BANDWIDTH=${peak}`,
    `AVERAGE-BANDWIDTH=${average}`,
    `CODECS="${track.codecs}"`,
    `RESOLUTION=${track.width}x${track.height}`,
    `VIDEO-RANGE=${track.range}`,
    `URI=${quoted(`${prefix}${keysName(track)}`)}`,
  ]
  return `#EXT-X-I-FRAME-STREAM-INF:${attributes.join(',')}`
}

function imagesVariant(
  { name, width, height, columns, rows, interval, sheets }: ThumbnailFacts,
  prefix: string,
): string {
  const bandwidth = Math.ceil((Math.max(...sheets) * 8) / (columns * rows * interval))
  const attributes = [
    `BANDWIDTH=${bandwidth}`,
    `RESOLUTION=${width}x${height}`,
    'CODECS="jpeg"',
    `URI=${quoted(`${prefix}${name}.m3u8`)}`,
  ]
  return `#EXT-X-IMAGE-STREAM-INF:${attributes.join(',')}`
}
