/**
 * Which streams of a source make the result: one picture, the sound and text of its programme, and covers; of Matroska results the other pictures of
 * its programme too. Pure.
 *
 * The picture: of the streams that are a film, those with the default flag (all, where none has it); of these the largest, then the one
 * with the most frames a second, then the longest, then the first. Cover art, thumbnails and a stream with few pictures beside one with
 * many are no film.
 */
import type { Packaging } from '../../protocol/artifact.ts'
import type { VideoFacts } from '../../protocol/plan.ts'
import { parseRational } from '../rational.ts'
import { iamfStreams } from './audio.ts'
import { type Json, list, number, object, tag, text } from './json.ts'
import { isHeldBitmap, isNamedFile, isPictures } from './subtitles.ts'
import { TRACKS_MAX } from './tracks.ts'
import { isPicture, videoFacts } from './video.ts'

/** The streams that make a result. */
export interface Selection {
  readonly picture: Json
  readonly facts: VideoFacts
  readonly audio: readonly Json[]
  /** Subtitles that may be text. */
  readonly subtitles: readonly Json[]
  readonly packaging: Packaging
  /** Of Matroska results: pictures that are not encoded, subtitles that are pictures, and attached files. */
  readonly pictures: readonly Json[]
  readonly bitmaps: readonly Json[]
  readonly attachments: readonly Json[]
  readonly covers: readonly Json[]
  /** The track of an MP4 that names its chapters, which ffprobe lists as data too. */
  readonly chapterTracks: readonly Json[]
  /** Streams that are a sound only together, which ffmpeg does not join. */
  readonly iamf: ReadonlySet<Json>
  /** Streams of a programme with another picture. */
  readonly foreign: ReadonlySet<Json>
}

/** Number of covers taken. */
const COVERS_MAX = 8
/** The covers that MP4 holds, and Matroska on the way there: no BMP. */
const COVER_CODECS = new Set(['mjpeg', 'png'])
/** Codecs of pictures: a stream of one without a known rate is a picture. */
const PICTURE_CODECS = new Set([...COVER_CODECS, 'bmp', 'gif', 'webp', 'tiff'])
/** A stream with fewer frames than another by this factor is thumbnails, or single pictures of a camera. */
const SPARSE_FACTOR = 8

/** The streams of a result, by the streams and programmes of ffprobe's output; null without a video stream that ffmpeg can identify. */
export function selectStreams(root: Json, packaging: Packaging = 'mp4'): Selection | null {
  const streams = list(root['streams'])
  const chosen = choosePicture(streams, number(object(root['format'])['duration']))
  if (!chosen) return null
  const { stream: picture, facts } = chosen
  const foreign = foreignTo(picture, streams, list(root['programs']))
  const iamf = iamfStreams(streams, text(object(root['format'])['format_name']))
  const own = (type: string) => streams.filter((stream) => text(stream['codec_type']) === type && !foreign.has(stream))
  return {
    picture,
    facts,
    foreign,
    audio: own('audio')
      .filter((stream) => !iamf.has(stream))
      .slice(0, TRACKS_MAX),
    iamf,
    subtitles: own('subtitle')
      .filter((stream) => !isPictures(stream))
      .slice(0, TRACKS_MAX),
    packaging,
    pictures:
      packaging === 'mkv'
        ? own('video')
            .filter((stream) => stream !== picture && isFurther(stream))
            .slice(0, TRACKS_MAX)
        : [],
    bitmaps: packaging === 'mkv' ? own('subtitle').filter(isHeldBitmap).slice(0, TRACKS_MAX) : [],
    attachments: packaging === 'mkv' ? own('attachment').filter(isNamedFile) : [],
    chapterTracks: list(root['chapters']).length === 0 ? [] : own('data').filter(isChapterTrack),
    covers: own('video').filter(isCover).slice(0, COVERS_MAX),
  }
}

/** Whether a stream is a picture that can be copied beside that of the results. */
const isFurther = (stream: Json): boolean => !isPicture(stream) && videoFacts(stream) !== null

/** Why such a picture is left out: the end of a sentence. */
export function whyNoPicture(stream: Json, packaging: Packaging): string {
  if (packaging === 'mp4') return 'an MP4 result holds one picture'
  if (isPicture(stream)) return 'it holds thumbnails'
  return isFurther(stream) ? `only ${TRACKS_MAX} tracks are taken` : 'ffmpeg cannot identify it'
}

/** Whether a stream is a cover that a result can hold. */
function isCover(stream: Json): boolean {
  const { attached_pic, timed_thumbnails } = object(stream['disposition'])
  return number(attached_pic) === 1 && number(timed_thumbnails) !== 1 && whyUnfit(stream) === null
}

/** Why a cover is left out: the end of a sentence. */
export const whyNoCover = (stream: Json): string => whyUnfit(stream) ?? `a result holds ${COVERS_MAX} covers at most`

function whyUnfit(stream: Json): string | null {
  if (!COVER_CODECS.has(text(stream['codec_name']))) return 'results have JPEG and PNG covers only'
  // A build without a decoder for it does not know its size, and does not write it without.
  return number(stream['width']) > 0 ? null : 'the ffmpeg that read the source cannot read it'
}

const isChapterTrack = (stream: Json): boolean => text(stream['codec_tag_string']) === 'text'

interface Candidate {
  readonly stream: Json
  readonly facts: VideoFacts
  readonly isDefault: boolean
  /** Pixels. */
  readonly area: number
  /** Frames a second; 0 where it is not known. */
  readonly fps: number
  readonly seconds: number
  /** Number of frames; 0 where it is not known. */
  readonly frames: number
}

function choosePicture(streams: readonly Json[], seconds: number): Candidate | undefined {
  const candidates = streams
    .filter((stream) => text(stream['codec_type']) === 'video' && !isPicture(stream))
    .flatMap((stream) => candidateOf(stream, seconds))
  const films = candidates.filter((one) => !candidates.some((other) => isBeside(one, other)))
  const flagged = films.filter(({ isDefault }) => isDefault)
  return [...(flagged.length > 0 ? flagged : films)].sort(
    (a, b) => b.area - a.area || b.fps - a.fps || b.seconds - a.seconds,
  )[0]
}

function candidateOf(stream: Json, fileSeconds: number): Candidate[] {
  const facts = videoFacts(stream)
  if (!facts) return []
  const rate = parseRational(text(stream['avg_frame_rate']))
  const fps = rate === null ? 0 : rate[0] / rate[1]
  const seconds = number(stream['duration']) || clockSeconds(stream) || fileSeconds
  const frames = number(stream['nb_frames']) || Math.round(fps * seconds)
  const isDefault = number(object(stream['disposition'])['default']) === 1
  return [{ stream, facts, isDefault, area: facts.width * facts.height, fps, seconds, frames }]
}

/** Matroska's `DURATION` of a track: `00:00:04.021000000`. */
function clockSeconds(stream: Json): number {
  const [, hours, minutes, seconds] = /^(\d+):(\d+):(\d+\.?\d*)$/.exec(tag(stream, 'duration')) ?? []
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)
}

/** Whether a stream is thumbnails or single pictures beside the other, unless it is larger and alone has the default flag. */
function isBeside(one: Candidate, other: Candidate): boolean {
  if (one.isDefault && !other.isDefault && one.area >= other.area) return false
  const isSingle = PICTURE_CODECS.has(one.facts.codec) && !PICTURE_CODECS.has(other.facts.codec) && one.frames <= 1
  return isSingle || (one.frames > 0 && one.frames * SPARSE_FACTOR < other.frames)
}

/** The streams that belong to programmes with another picture only: other channels of a broadcast. */
function foreignTo(picture: Json, streams: readonly Json[], programmes: readonly Json[]): ReadonlySet<Json> {
  const members = programmes.map((programme) => new Set(list(programme['streams']).map((stream) => stream['index'])))
  const isOwn = (stream: Json) => {
    const homes = members.filter((indexes) => indexes.has(stream['index']))
    return homes.length === 0 || homes.some((indexes) => indexes.has(picture['index']) || !hasPicture(indexes, streams))
  }
  return new Set(streams.filter((stream) => !isOwn(stream)))
}

const hasPicture = (indexes: ReadonlySet<Json[string]>, streams: readonly Json[]): boolean =>
  streams.some((stream) => indexes.has(stream['index']) && text(stream['codec_type']) === 'video' && !isPicture(stream))
