/**
 * What manifests need of a track, as data: HLS and DASH are pure functions of a list of these. Times are ticks of the track, positions and
 * lengths bytes of its file.
 */
import type { Rational } from '../../protocol/plan.ts'
import type { ManifestKey } from './manifest-key.ts'

/** A range of a file, and of the film. */
export interface Range {
  readonly offset: number
  readonly bytes: number
  readonly start: number
  readonly duration: number
}

/** What picture and sound have in common. */
interface TrackFacts {
  /** Name of its file without the ending, unique in a package: `video-480p`. */
  readonly name: string
  /** RFC 6381, such as `avc1.64001F`. */
  readonly codecs: string
  /** Ticks per second. */
  readonly timescale: number
  /** Bytes of the beginning that initialises a decoder, and of the index after it. */
  readonly init: number
  readonly index: number
  readonly segments: readonly Range[]
}

/** A track of pictures. */
export interface PictureFacts extends TrackFacts {
  readonly kind: 'video'
  readonly width: number
  readonly height: number
  /** Pictures per second; of a variable rate the most that a segment has. */
  readonly fps: Rational
  /** Transfer function, as HLS names it. */
  readonly range: 'SDR' | 'PQ' | 'HLG'
  /** Each fragment up to the end of its first picture. */
  readonly keyframes: readonly Range[]
  readonly hasCaptions: boolean
}

/** A track of sound. */
export interface SoundFacts extends TrackFacts {
  readonly kind: 'audio'
  /** BCP 47; `und` where it is not known. */
  readonly language: string
  /** For people; unique among the tracks of sound. */
  readonly label: string
  readonly channels: number
  readonly sample_rate: number
  readonly isDefault: boolean
  /** For people who cannot see, or hear. */
  readonly isDescription: boolean
}

/** A track of text: one WebVTT file. */
export interface TextFacts {
  readonly kind: 'text'
  readonly name: string
  readonly language: string
  readonly label: string
  readonly isDefault: boolean
  readonly isForced: boolean
  readonly isForDeaf: boolean
}

/** Small pictures of the film, on sheets. */
export interface ThumbnailFacts {
  /** Beginning of the names of the sheets: `thumbs` of `thumbs-00001.jpg`. */
  readonly name: string
  /** Pixels of one picture. */
  readonly width: number
  readonly height: number
  /** Pictures beside each other, and above each other, on a sheet. */
  readonly columns: number
  readonly rows: number
  /** Seconds for which each stands. */
  readonly interval: number
  /** Bytes of each sheet. */
  readonly sheets: readonly number[]
}

/** All that a package holds. */
export interface PackageFacts {
  readonly pictures: readonly PictureFacts[]
  readonly sounds: readonly SoundFacts[]
  readonly texts: readonly TextFacts[]
  readonly thumbnails: ThumbnailFacts | null
  /** Length of the film, seconds. */
  readonly seconds: number
  /** Whether each segment is a file of its own; else players ask for ranges of one file for each track. */
  readonly isDivided: boolean
  /** The key that pictures and sound are encrypted with; null where they are not. By `aes-128` the segments are files. */
  readonly key: ManifestKey | null
  /** What stands before every name of a file in the manifests: '' or a URL that ends with a slash. */
  readonly prefix: string
}

/** When a track ends, seconds of the film. It has a segment. */
export function secondsTo({ segments, timescale }: Pick<TrackFacts, 'segments' | 'timescale'>): number {
  const last = segments.at(-1)!
  return (last.start + last.duration) / timescale
}

/** Bits per second: the most of any stretch of about one segment, and of the whole. */
export interface Bandwidth {
  readonly peak: number
  readonly average: number
}

/**
 * The peak as RFC 8216 §4.1 has it: the largest of all runs of segments that last 0.5 to 1.5 times the target duration. It is never below the
 * average: no run may be of that length.
 */
export function bandwidthOf({ segments, timescale }: Pick<TrackFacts, 'segments' | 'timescale'>): Bandwidth {
  const target = targetDuration([{ segments, timescale }])
  const rate = (bytes: number, ticks: number) => Math.ceil((bytes * 8 * timescale) / ticks)
  const total = segments.reduce(
    (sum, { bytes, duration }) => ({ bytes: sum.bytes + bytes, ticks: sum.ticks + duration }),
    {
      bytes: 0,
      ticks: 0,
    },
  )
  const average = rate(total.bytes, total.ticks)
  let peak = average
  for (let from = 0; from < segments.length; from++) {
    let [bytes, ticks] = [0, 0]
    for (const segment of segments.slice(from)) {
      bytes += segment.bytes
      ticks += segment.duration
      const targets = ticks / timescale / target
      if (targets > 1.5) break
      if (targets >= 0.5) peak = Math.max(peak, rate(bytes, ticks))
    }
  }
  return { peak, average }
}

/** The longest segment, in whole seconds, at least 1: no segment may be longer by half a second. */
export const targetDuration = (tracks: readonly Pick<TrackFacts, 'segments' | 'timescale'>[]): number =>
  Math.max(
    1,
    ...tracks.flatMap(({ segments, timescale }) => segments.map(({ duration }) => Math.round(duration / timescale))),
  )

/** Tracks that a player can switch between: those of one codec, whose family is the first part of its name. The H.264 family is first, as old players take the first that they know. */
export function byFamily<Track extends Pick<TrackFacts, 'codecs'>>(tracks: readonly Track[]): [string, Track[]][] {
  const families = [...Map.groupBy(tracks, ({ codecs }) => codecs.split('.')[0]!)]
  const place = ([family]: [string, Track[]]) => (FIRST.includes(family) ? FIRST.indexOf(family) : FIRST.length)
  return families.sort((a, b) => place(a) - place(b))
}

/** What old players play. */
const FIRST = ['avc1', 'mp4a']
