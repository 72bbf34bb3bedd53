/**
 * The merge: chunks joined and muxed with audio, subtitles and chapters by stream copy.
 *
 * Each chunk but the last has an explicit duration: its own would be rounded. `-auto_convert 0` leaves the parameter sets in the sample
 * entry, where MP4 needs them; that is safe only because the signature of every chunk was compared before.
 */
import type { Plan } from '../../protocol/plan.ts'
import { tagArgs } from './encode.ts'
import { metadataArgs, trackArgs } from './metadata.ts'
import { fileUrl, PROGRESS, QUIET, SAFE, seconds } from './safe.ts'

/** The list of ffmpeg's concat demuxer. `start`: seconds. Names are relative and plain (`00042.mp4`), so that no path is quoted. */
export function concatList(chunks: readonly { readonly name: string; readonly start: number }[]): string {
  const lines = chunks.map(({ name, start }, at) => {
    const next = chunks[at + 1]
    // Differences of rounded starts, so that the microseconds of rounding never add up.
    const duration = next && (Math.round(next.start * 1e6) - Math.round(start * 1e6)) / 1e6
    return duration === undefined ? `file ${name}` : `file ${name}\nduration ${seconds(duration)}`
  })
  return `ffconcat version 1.0\n${lines.join('\n')}\n`
}

/** The files to mux into one rendition, and where. Paths are absolute. */
export interface MergeArgs {
  readonly plan: Pick<Plan, 'audio' | 'subtitles' | 'chapters' | 'metadata' | 'track_timescale' | 'lead'>
  /** `Codec.tag` of the rendition's codec. */
  readonly tag: string | null
  readonly list: string
  readonly audio: string | null
  /** The file of subtitles and chapters, and the seconds to add to its times. */
  readonly extra: { readonly path: string; readonly shift: number } | null
  readonly out: string
}

/** The arguments of the ffmpeg that joins the chunks and muxes audio, subtitles and chapters by stream copy. */
export function mergeArgs({ plan, tag, list, audio, extra, out }: MergeArgs): string[] {
  const extraAt = audio === null ? 1 : 2
  const covers = extra === null ? 0 : plan.metadata.covers.length
  return [
    ...QUIET, ...PROGRESS,
    ...(plan.lead === 0 ? [] : ['-itsoffset', seconds(plan.lead / plan.track_timescale)]),
    '-f', 'concat', '-safe', '1', '-auto_convert', '0', '-i', fileUrl(list),
    ...(audio === null ? [] : [...SAFE, '-i', fileUrl(audio)]),
    ...(extra === null ? [] : extraInput(plan, extra)),
    '-map', '0:v:0',
    ...(covers === 0 ? [] : ['-map', `${extraAt}:v`]),
    ...(audio === null ? [] : ['-map', '1:a']),
    ...(extra === null || plan.subtitles.length === 0 ? [] : ['-map', `${extraAt}:s`, '-c:s', 'mov_text']),
    '-c:v', 'copy', '-c:a', 'copy', '-map_metadata:g', '-1', '-map_metadata:s', '-1',
    '-map_chapters', extra === null || plan.chapters === 0 ? '-1' : String(extraAt),
    ...metadataArgs(plan.metadata, covers),
    ...(audio === null ? [] : plan.audio.flatMap((track, at) => trackArgs(`a:${at}`, track))),
    ...(extra === null ? [] : plan.subtitles.flatMap((track, at) => trackArgs(`s:${at}`, track))),
    ...tagArgs({ tag }),
    '-video_track_timescale', String(plan.track_timescale),
    // The empty edit before the picture is in ticks of the movie: milliseconds would be too coarse.
    ...(plan.lead === 0 ? [] : ['-movie_timescale', String(plan.track_timescale)]),
    '-movflags', '+faststart', '-fflags', '+bitexact', '-f', 'mp4', fileUrl(out),
  ] // biome-ignore format: groups
}

/** Chapters alone are in a file of ffmpeg's metadata format, as a Matroska needs a track. */
function extraInput(plan: MergeArgs['plan'], extra: NonNullable<MergeArgs['extra']>): string[] {
  const text = plan.subtitles.length + plan.metadata.covers.length === 0
  const guard = text ? ['-protocol_whitelist', 'file', '-f', 'ffmetadata'] : SAFE
  return [...guard, '-itsoffset', seconds(extra.shift), '-i', fileUrl(extra.path)]
}
