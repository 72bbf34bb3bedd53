/**
 * The commands that copy packets out of the source without decoding: chunks, the audio, and covers. A chunk that no container holds is
 * decoded and coded again without loss.
 *
 * Times in NUT must be positive, so all are shifted by `offset` seconds. Metadata and chapters are not copied: NUT would repeat them in every
 * chunk, as broken chapter tracks.
 */
import type { Rational } from '../../protocol/plan.ts'
import { type Container, muxerArgs } from '../cut-formats.ts'
import { decimal, fraction, integer, layoutName, seconds } from './argument.ts'
import { DAMAGE_ALLOWED, fileUrl, PROGRESS, QUIET, SAFE } from './safe.ts'

/** No metadata, no chapters. */
export const BARE: readonly string[] = ['-map_metadata', '-1', '-map_chapters', '-1']
/** NUT, with times as they are. */
export const NUT: readonly string[] = ['-avoid_negative_ts', 'disabled', '-f', 'nut']

/** One chunk to cut out of the source. Paths are absolute; times are seconds, as ffmpeg reads them. */
export interface SplitJob {
  readonly source: string
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly genpts: boolean
  /** Seconds to seek to; null reads from the beginning. */
  readonly seek: number | null
  /** Seconds at which to stop, between the dts of the last packet of the chunk and the next; null reads to the end. */
  readonly stop: number | null
  /** Seconds added to all times. */
  readonly offset: number
  readonly container: Container
  /** Seconds per tick of the source. */
  readonly timeBase: Rational
  readonly out: string
}

/**
 * Arguments to cut chunks, all by one ffmpeg. `-to` compares dts and refuses times that are not positive; for these (timestamps before a
 * wrap are negative) the shift is made at the input.
 */
export function splitArgs(jobs: readonly SplitJob[]): string[] {
  const isEarly = ({ stop }: SplitJob): boolean => stop !== null && stop <= 0
  return [
    ...QUIET, ...PROGRESS,
    ...jobs.flatMap((job) => [
      ...SAFE, ...(job.genpts ? ['-fflags', '+genpts'] : []), '-copyts',
      ...(isEarly(job) ? ['-itsoffset', seconds(job.offset)] : []),
      ...(job.seek === null ? [] : ['-seek_timestamp', '1', '-ss', seconds(job.seek)]),
      '-i', fileUrl(job.source),
    ]),
    ...jobs.flatMap((job, at) => [
      '-map', `${at}:${integer(job.stream)}`, '-c', 'copy', ...BARE,
      ...(job.stop === null ? [] : ['-to', seconds(isEarly(job) ? job.stop + job.offset : job.stop)]),
      ...(isEarly(job) ? [] : ['-output_ts_offset', decimal(job.offset)]),
      '-avoid_negative_ts', 'disabled', ...muxerArgs(job.container, job.timeBase), fileUrl(job.out),
    ]),
  ] // biome-ignore format: groups
}

/** A chunk to decode and to code again without loss: its range in ticks of the source, and the filters before the coder. */
export interface LosslessJob extends Omit<SplitJob, 'stop' | 'container'> {
  readonly start_pts: number
  readonly end_pts: number
  readonly filters: readonly string[]
}

/** Arguments to code the pictures of one chunk as FFV1, each on its own, in NUT. */
export function losslessArgs(job: LosslessJob): string[] {
  const filters = [`trim=start_pts=${integer(job.start_pts)}:end_pts=${integer(job.end_pts)}`, ...job.filters]
  return [
    ...QUIET, ...PROGRESS, ...DAMAGE_ALLOWED, ...SAFE, ...(job.genpts ? ['-fflags', '+genpts'] : []),
    '-noautorotate', '-threads', '1', '-copyts',
    ...(job.seek === null ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds(job.seek)]),
    '-i', fileUrl(job.source), '-map', `0:${integer(job.stream)}`, '-filter:v', filters.join(),
    '-fps_mode', 'passthrough', '-enc_time_base', fraction(job.timeBase, ':'),
    '-c:v', 'ffv1', '-level', '3', '-g', '1', '-threads', '1', ...BARE, '-fflags', '+bitexact', '-flags:v', '+bitexact',
    '-output_ts_offset', decimal(job.offset), ...NUT, fileUrl(job.out),
  ] // biome-ignore format: groups
}

/** A track for the file of extras: copied, decoded through a filter, or a moment of silence in place of one that cannot be decoded. */
export type ExtraTrack =
  | { readonly stream: number; readonly decoded: { readonly filter: string; readonly codec: string } | null }
  | { readonly silence: string }

/** Arguments to make the file of extras with every audio track, in order. `offset`: seconds added to all times. */
export function audioExtraArgs(job: {
  source: string
  tracks: readonly ExtraTrack[]
  offset: number
  out: string
}): string[] {
  const silent = job.tracks.flatMap((track) => ('silence' in track ? [track.silence] : []))
  let silences = 0
  return [
    ...QUIET, ...PROGRESS, ...DAMAGE_ALLOWED, ...SAFE, '-copyts', '-vn', '-sn', '-dn', '-i', fileUrl(job.source),
    ...silent.flatMap((layout) => ['-f', 'lavfi', '-i', `anullsrc=channel_layout=${layoutName(layout)}:duration=0.02`]),
    ...job.tracks.flatMap((track, at) =>
      'silence' in track
        ? ['-map', String(++silences), `-c:a:${at}`, 'pcm_f32le']
        : ['-map', `0:${integer(track.stream)}`, ...(track.decoded === null ? [`-c:a:${at}`, 'copy'] : [`-filter:a:${at}`, track.decoded.filter, `-c:a:${at}`, track.decoded.codec])],
    ),
    ...BARE, '-fflags', '+bitexact', '-flags:a', '+bitexact',
    '-output_ts_offset', decimal(job.offset), '-avoid_negative_ts', 'disabled', '-f', 'nut', fileUrl(job.out),
  ] // biome-ignore format: groups
}

/** Arguments to copy one track into a Matroska file of its own. `offset`: seconds added to all times. */
export function keptArgs(job: {
  kind: 'picture' | 'subtitle'
  source: string
  stream: number
  genpts: boolean
  offset: number
  out: string
}): string[] {
  return [
    ...QUIET, ...PROGRESS, ...SAFE, ...(job.genpts ? ['-fflags', '+genpts'] : []), '-copyts', job.kind === 'picture' ? '-sn' : '-vn', '-an', '-dn',
    '-i', fileUrl(job.source), '-map', `0:${integer(job.stream)}`,
    '-c', 'copy', ...BARE, '-fflags', '+bitexact', '-output_ts_offset', decimal(job.offset), '-avoid_negative_ts', 'disabled', '-f', 'matroska', fileUrl(job.out),
  ] // biome-ignore format: groups
}

/** Arguments to copy covers into a file of their own. */
export function coverArgs(job: { source: string; covers: readonly number[]; out: string }): string[] {
  return [
    ...QUIET, ...PROGRESS, ...SAFE, '-i', fileUrl(job.source), ...job.covers.flatMap((stream) => ['-map', `0:${integer(stream)}`]),
    '-c:v', 'copy', ...BARE, '-fflags', '+bitexact', '-f', 'matroska', fileUrl(job.out),
  ] // biome-ignore format: groups
}
