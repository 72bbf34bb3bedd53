/**
 * Films that are one line of text, and what becomes of them: every cut, encode and merge is text that says what it was made
 * from, so that one wrong or doubled byte anywhere shows in the finished file. `expectedOutput` is the undisturbed run.
 */
import { createHash } from 'node:crypto'
import { asSha256, type Sha256, type VideoId } from '../../protocol/ids.ts'
import { NO_METADATA, type Plan } from '../../protocol/plan.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import type { RenditionId } from '../../protocol/rendition.ts'

export interface Film {
  readonly name: string
  readonly chunks: number
  readonly hasAudio: boolean
  readonly hasSubtitles: boolean
  /** What no ffmpeg can do with it: encode this chunk, encode its sound, plan it, or join it; null where all goes well. */
  readonly poison: number | 'audio' | 'plan' | 'merge' | null
}

export const FRAMES = 240
/** What an encoded chunk says that no merge can take. */
export const UNJOINABLE = ', not joinable'
const FPS = 30

export const sha256Of = (content: string | Buffer): Sha256 =>
  asSha256(createHash('sha256').update(content).digest('hex'))

export const filmBytes = (film: Film): string => JSON.stringify(film)
export const readFilm = (content: Buffer): Film => JSON.parse(content.toString()) as Film

/** What a cut, an encode and a merge are. `by` differs between builds where real bytes do. */
export const cutBytes = (film: Film, chunk: number, by: string): string => JSON.stringify({ cut: chunk, film, by })
/** Of what a chunk or the sound is made: a cut, or the source of a film that is read straight. */
export const readCut = (content: Buffer): { cut: number; film: Film } => {
  const of = JSON.parse(content.toString()) as Film | { cut: number; film: Film }
  return 'film' in of ? of : { cut: 0, film: of }
}
/** Whether a film is not cut: its input is the source itself. */
export const isStraight = ({ chunks }: Film): boolean => chunks === 1
export const encodedBytes = (film: Film, chunk: number, rendition: RenditionId): string =>
  `${film.name}: chunk ${chunk} of ${film.chunks} at ${rendition}${film.poison === 'merge' ? UNJOINABLE : ''}`
/** The same chunk with other pictures. */
export const paintedOver = (encoded: string): string => `${encoded}, painted over`
export const audioInBytes = (film: Film, by: string): string => JSON.stringify({ sound: true, film, by })
export const audioOutBytes = (film: Film): string => `${film.name}: sound`
export const subtitleBytes = (film: Film): string => `${film.name}: subtitles`

export interface Merged {
  readonly rendition: RenditionId
  readonly chunks: readonly string[]
  readonly audio: string | null
  readonly extra: string | null
}
export const mergedBytes = (parts: Merged): string => JSON.stringify(parts)
/** The package of these encoded chunks, of each rendition. */
export const packagedBytes = (chunks: readonly (readonly string[])[]): string => JSON.stringify(chunks)

/** The finished file of one rendition, as one machine that never fails makes it. */
export function expectedOutput(film: Film, rendition: RenditionId): string {
  const chunks = Array.from({ length: film.chunks }, (_, chunk) => encodedBytes(film, chunk, rendition))
  const audio = film.hasAudio ? audioOutBytes(film) : null
  return mergedBytes({ rendition, chunks, audio, extra: film.hasSubtitles ? subtitleBytes(film) : null })
}

/** Two plannings agree but for a note, so that two plans of one video have different hashes. */
export function planOf(film: Film, video_id: VideoId, recipe: Recipe, by: string): Plan {
  const ticks = (chunk: number) => chunk * FRAMES
  return {
    version: 3,
    video_id,
    time_base: [1, FPS],
    start_pts: 0,
    end_pts: ticks(film.chunks),
    frames: ticks(film.chunks),
    genpts: false,
    counted_rate: null,
    cut_format: isStraight(film) ? 'none' : 'nut',
    run_in: 0,
    fps: [FPS, 1],
    variable_rate: false,
    track_timescale: 15360,
    lead: 0,
    b_frames: 3,
    keyframe_s: recipe.keyframe_s,
    audio_kbps: recipe.audio_kbps,
    video: PICTURE,
    audio: film.hasAudio ? [{ ...SOUND, extra: isStraight(film) ? 'none' : 'copied' }] : [],
    subtitles: [],
    chapters: film.hasSubtitles ? 1 : 0,
    metadata: NO_METADATA,
    renditions: recipe.renditions.map(({ box, ...rendition }) => ({
      ...rendition,
      width: 2,
      height: 2,
      class: `h264>x264/${rendition.id}`,
      signature: sha256Of(rendition.id),
      cost: (box.width * box.height) / 1e6,
    })),
    chunks: Array.from({ length: film.chunks }, (_, chunk_id) => ({
      chunk_id,
      start_pts: ticks(chunk_id),
      end_pts: ticks(chunk_id + 1),
      frames: FRAMES,
      cut: isStraight(film) ? null : { seek_pts: null, stop_dts: null },
    })),
    fates: [{ part: 'source', fate: 'kept', note: `planned by ${by}` }],
  }
}

export const PICTURE: Plan['video'] = {
  stream: 0,
  codec: 'h264',
  profile: 'High',
  pixel_format: 'yuv420p',
  bit_depth: 8,
  width: 1920,
  height: 1080,
  sample_aspect: [1, 1],
  rotation: 0,
  mirrored: false,
  interlaced: false,
  top_field_first: true,
  color: { range: 'tv', primaries: 'bt709', transfer: 'bt709', space: 'bt709' },
  hdr: false,
}

const SOUND: Plan['audio'][number] = {
  stream: 1,
  codec: 'aac',
  channels: 2,
  layout: 'stereo',
  source_channels: 2,
  extra: 'copied',
  relabelled: false,
  sample_rate: 48_000,
  language: 'eng',
  title: '',
  flags: ['default'],
}
