/** The beginning of a track's file: `ftyp`, and a `moov` that describes one track without samples. Pure. ISO/IEC 14496-12, 23000-19 (CMAF). */
import { box, fullBox, packedLanguage, u16, u32, u32s } from './box.ts'

/** What the beginning of a track's file says. */
export interface TrackHead {
  readonly kind: 'video' | 'audio'
  /** Ticks per second. */
  readonly timescale: number
  /** ISO 639-2/T; '' where it is not known. */
  readonly language: string
  /** Pixels; 0 of audio. */
  readonly width: number
  readonly height: number
  /** The sample entry, as a box. */
  readonly entry: Buffer
  /** Ticks of the track that its times lie after those at which it is shown: an edit list takes them off. */
  readonly delay: number
}

const UNITY = [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000]
/** Enabled, in the movie. */
const TRACK_FLAGS = 3

/** The bytes before the index of the segments. */
export function initOf(track: TrackHead): Buffer {
  const ftyp = box('ftyp', Buffer.from('iso6', 'latin1'), u32(0), Buffer.from('iso6cmfcmp41', 'latin1'))
  return Buffer.concat([ftyp, box('moov', movieHeader(), trackBox(track), box('mvex', trackDefaults()))])
}

/** Ticks per second of the movie: it has no duration here, and nothing else uses them. */
const MOVIE_TIMESCALE = 1_000

const movieHeader = (): Buffer =>
  fullBox('mvhd', 0, 0, u32s([0, 0, MOVIE_TIMESCALE, 0, 0x00010000]), u16(0x0100), Buffer.alloc(10), u32s(UNITY), Buffer.alloc(24), u32(2)) // biome-ignore format: fields

const trackDefaults = (): Buffer => fullBox('trex', 0, 0, u32s([1, 1, 0, 0, 0]))

function trackBox({ kind, timescale, language, width, height, entry, delay }: TrackHead): Buffer {
  const isVideo = kind === 'video'
  const tkhd = fullBox(
    'tkhd', 0, TRACK_FLAGS,
    u32s([0, 0, 1, 0, 0, 0, 0]), u16(0), u16(isVideo ? 0 : 1), u16(isVideo ? 0 : 0x0100), u16(0),
    u32s(UNITY), u32s([width * 65_536, height * 65_536]),
  ) // biome-ignore format: fields
  const edits = delay === 0 ? [] : [box('edts', fullBox('elst', 0, 0, u32s([1, 0, delay, 0x00010000])))]
  const media = box(
    'mdia',
    fullBox('mdhd', 0, 0, u32s([0, 0, timescale, 0]), u16(packedLanguage(language)), u16(0)),
    fullBox('hdlr', 0, 0, u32(0), Buffer.from(isVideo ? 'vide' : 'soun', 'latin1'), Buffer.alloc(13)),
    box(
      'minf',
      isVideo ? fullBox('vmhd', 0, 1, Buffer.alloc(8)) : fullBox('smhd', 0, 0, Buffer.alloc(4)),
      box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))),
      box(
        'stbl',
        fullBox('stsd', 0, 0, u32(1), entry),
        ...['stts', 'stsc'].map((type) => fullBox(type, 0, 0, u32(0))),
        fullBox('stsz', 0, 0, u32s([0, 0])),
        fullBox('stco', 0, 0, u32(0)),
      ),
    ),
  )
  return box('trak', tkhd, ...edits, media)
}

/** One segment of an index. */
export interface IndexedSegment {
  readonly bytes: number
  /** Ticks. */
  readonly duration: number
}

/** Bytes of the index of so many segments. */
export const indexBytes = (segments: number): number => 40 + 12 * segments

/** The `sidx` box: where each segment of a file lies, that it begins with a keyframe, and how long it is. `start`: ticks of the first. */
export function indexOf(segments: readonly IndexedSegment[], of: { timescale: number; start: number }): Buffer {
  const start = Buffer.alloc(16)
  start.writeBigUInt64BE(BigInt(of.start))
  return fullBox(
    'sidx', 1, 0,
    u32s([1, of.timescale]), start, u16(0), u16(segments.length),
    u32s(segments.flatMap(({ bytes, duration }) => [bytes, duration, 0x90000000])),
  ) // biome-ignore format: fields
}
