/**
 * The merge: chunks joined and muxed with audio, subtitles and chapters by stream copy.
 *
 * Each chunk but the last has an explicit duration: its own would be rounded. `-auto_convert 0` leaves the parameter sets in the sample
 * entry, where MP4 needs them; that is safe only because the signature of every chunk was compared before.
 */
import type { Plan, SubtitleFacts } from '../../protocol/plan.ts'
import { soundFacts } from '../../protocol/sound-plan.ts'
import { integer, MOVIE_TIMESCALE, plainWord, seconds } from './argument.ts'
import { tagArgs } from './encode.ts'
import { metadataArgs, trackArgs } from './metadata.ts'
import { fileUrl, PROGRESS, QUIET, SAFE, SAFE_LIST } from './safe.ts'

/** The list of ffmpeg's concat demuxer. `start`: seconds. Names are relative and plain (`00042.mp4`), so that no path is quoted. */
export function concatList(chunks: readonly { readonly name: string; readonly start: number }[]): string {
  const lines = chunks.map(({ name, start }, at) => {
    const next = chunks[at + 1]
    // Differences of rounded starts, so that the microseconds of rounding never add up.
    const duration = next && (Math.round(next.start * 1e6) - Math.round(start * 1e6)) / 1e6
    return duration === undefined ? `file ${plainWord(name)}` : `file ${plainWord(name)}\nduration ${seconds(duration)}`
  })
  return `ffconcat version 1.0\n${lines.join('\n')}\n`
}

/** A rendition to mux: its list of chunks, and where to. Paths are absolute. */
export interface MergedRendition {
  /** `Codec.tag` of the rendition's codec. */
  readonly tag: string | null
  readonly list: string
  readonly out: string
}

/** The renditions to mux, and what all of them get. Paths are absolute. */
export interface MergeArgs {
  readonly plan: Pick<Plan, 'audio' | 'audio_kbps' | 'sounds' | 'metadata' | 'track_timescale' | 'lead'>
  readonly renditions: readonly MergedRendition[]
  readonly audio: string | null
  /** A file with the covers of the plan's metadata. */
  readonly covers: string | null
  /** An MP4 with a text track for each of `tracks`, and a file of chapters in ffmpeg's metadata format; both begin with the film. */
  readonly subtitles: { readonly path: string; readonly tracks: readonly SubtitleFacts[] } | null
  readonly chapters: string | null
}

/** The arguments of the ffmpeg that joins the chunks and muxes audio, subtitles and chapters by stream copy, one output for each rendition. */
export function mergeArgs(job: MergeArgs): string[] {
  const { plan, renditions, audio, covers, subtitles, chapters } = job
  return [
    ...QUIET, ...PROGRESS,
    ...renditions.flatMap(({ list }) => [
      ...(plan.lead === 0 ? [] : ['-itsoffset', seconds(plan.lead / plan.track_timescale)]),
      ...SAFE_LIST, '-f', 'concat', '-safe', '1', '-auto_convert', '0', '-i', fileUrl(list),
    ]),
    ...(audio === null ? [] : [...SAFE, '-i', fileUrl(audio)]),
    ...(covers === null ? [] : [...SAFE, '-i', fileUrl(covers)]),
    ...(subtitles === null ? [] : [...SAFE, '-i', fileUrl(subtitles.path)]),
    ...(chapters === null ? [] : ['-protocol_whitelist', 'file', '-f', 'ffmetadata', '-i', fileUrl(chapters)]),
    ...renditions.flatMap((rendition, at) => outputArgs(job, rendition, at)),
  ] // biome-ignore format: groups
}

function outputArgs(job: MergeArgs, { tag, out }: MergedRendition, at: number): string[] {
  const { plan, renditions, audio, covers, subtitles, chapters } = job
  const optional = [audio, covers, subtitles?.path ?? null, chapters]
  const [audioAt, coversAt, textAt, chaptersAt] = optional.map(
    (_, input) => renditions.length + optional.slice(0, input).filter((path) => path !== null).length,
  )
  const coverCount = covers === null ? 0 : plan.metadata.covers.length
  return [
    '-map', `${at}:v:0`,
    ...(audio === null ? [] : ['-map', `${audioAt}:a`]),
    ...(subtitles === null ? [] : ['-map', `${textAt}:s`, '-c:s', 'copy']),
    // Last: ffmpeg 5 and 6 give a cover a track number, later ones do not.
    ...(covers === null ? [] : ['-map', `${coversAt}:v`]),
    '-c:v', 'copy', '-c:a', 'copy', '-map_metadata:g', '-1', '-map_metadata:s', '-1',
    '-map_chapters', chapters === null ? '-1' : String(chaptersAt),
    ...metadataArgs(plan.metadata, coverCount),
    ...(audio === null ? [] : soundFacts(plan).flatMap((track, at) => trackArgs(`a:${at}`, track))),
    ...(subtitles?.tracks ?? []).flatMap((track, at) => trackArgs(`s:${at}`, track)),
    ...tagArgs({ tag }),
    '-video_track_timescale', integer(plan.track_timescale),
    // An empty edit before the picture is in these ticks: milliseconds would be too coarse.
    '-movie_timescale', integer(plan.lead === 0 ? MOVIE_TIMESCALE : plan.track_timescale),
    '-movflags', '+faststart', '-fflags', '+bitexact', '-f', 'mp4', fileUrl(out),
  ] // biome-ignore format: groups
}
