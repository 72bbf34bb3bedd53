/**
 * The commands that copy packets out of the source without decoding: one chunk, the audio, subtitles and chapters.
 *
 * NUT carries any codec with exact times; it wants them positive, so that everything is shifted by `offset` seconds.
 * Metadata and chapters stay behind: NUT would carry them into every chunk, as broken chapter tracks.
 */
import { fileUrl, PROGRESS, QUIET, SAFE, seconds } from './safe.ts'

const BARE = ['-map_metadata', '-1', '-map_chapters', '-1']

export interface SplitJob {
  readonly source: string
  readonly stream: number
  readonly genpts: boolean
  /** Seconds; null reads from the beginning. */
  readonly seek: number | null
  /** Seconds, between the dts of the last packet wanted and the next; null reads to the end. */
  readonly stop: number | null
  readonly offset: number
  readonly out: string
}

/**
 * One chunk. `-to` compares dts and refuses times that are not positive, so the shift then happens on the input side
 * (timestamps before a wrap are negative).
 */
export function splitArgs(job: SplitJob): string[] {
  const early = job.stop !== null && job.stop <= 0
  const stop = job.stop === null ? null : early ? job.stop + job.offset : job.stop
  return [
    ...QUIET, ...PROGRESS, ...SAFE, ...(job.genpts ? ['-fflags', '+genpts'] : []), '-copyts',
    ...(early ? ['-itsoffset', seconds(job.offset)] : []),
    ...(job.seek === null ? [] : ['-seek_timestamp', '1', '-ss', seconds(job.seek)]),
    '-i', fileUrl(job.source), '-map', `0:${job.stream}`, '-c', 'copy', ...BARE,
    ...(stop === null ? [] : ['-to', seconds(stop)]),
    ...(early ? [] : ['-output_ts_offset', String(job.offset)]),
    '-avoid_negative_ts', 'disabled', '-f', 'nut', fileUrl(job.out),
  ] // biome-ignore format: groups
}

/** Every audio track by stream copy; the n-th of `flac` (Opus, WMA: NUT does not keep their exact length) decoded with the audio task's filter. */
export function audioExtraArgs(job: {
  source: string
  streams: readonly { stream: number; flac: string | null }[]
  offset: number
  out: string
}): string[] {
  return [
    ...QUIET, ...PROGRESS, ...SAFE, '-copyts', '-vn', '-sn', '-dn', '-i', fileUrl(job.source),
    ...job.streams.flatMap(({ stream, flac }, at) => [
      '-map', `0:${stream}`,
      ...(flac === null ? [`-c:a:${at}`, 'copy'] : [`-filter:a:${at}`, flac, `-c:a:${at}`, 'flac']),
    ]),
    ...BARE, '-fflags', '+bitexact', '-flags:a', '+bitexact',
    '-output_ts_offset', String(job.offset), '-avoid_negative_ts', 'disabled', '-f', 'nut', fileUrl(job.out),
  ] // biome-ignore format: groups
}

/**
 * Text subtitles as ASS (what ffmpeg holds them as) and chapters, `shift` seconds added. Only `-itsoffset` moves chapters
 * too. Matroska cannot be without a track: chapters alone go into ffmpeg's own text form.
 */
export function otherExtraArgs(job: {
  source: string
  streams: readonly number[]
  shift: number
  out: string
}): string[] {
  return [
    ...QUIET, ...PROGRESS, ...SAFE, '-copyts', '-itsoffset', seconds(job.shift), '-i', fileUrl(job.source),
    ...job.streams.flatMap((stream) => ['-map', `0:${stream}`]),
    ...(job.streams.length > 0 ? ['-c:s', 'ass'] : []),
    '-map_metadata:g', '-1', '-map_metadata:s', '-1', '-map_chapters', '0', '-fflags', '+bitexact',
    '-avoid_negative_ts', 'disabled', '-f', job.streams.length > 0 ? 'matroska' : 'ffmetadata', fileUrl(job.out),
  ] // biome-ignore format: groups
}
