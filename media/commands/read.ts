/** The ffprobe commands: streams, packets and decoded frames. Values are read by name: columns differ between builds. */
import type { Rational } from '../../protocol/plan.ts'
import { HDR_ENTRIES } from '../hdr-data.ts'
import { fraction, integer, seconds } from './argument.ts'
import { DAMAGE_ALLOWED, fileUrl, QUIET, SAFE } from './safe.ts'

const HEAD = ['-hide_banner', '-v', 'warning', ...SAFE]

const PACKET = 'packet=pts,dts,duration,flags,size,pos,data_hash'
/** As cheap as adler32, which is the cheapest of ffprobe's hashes: 0.02 s for 150 MB. */
const HASHED = ['-show_data_hash', 'murmur3']

/** Format, streams, chapters and programmes as JSON, and with `packets` the packets of all streams. */
export function probeArgs(source: string, { packets }: { readonly packets: boolean }): string[] {
  return [
    ...HEAD, '-show_format', '-show_streams', '-show_chapters', '-show_programs',
    ...(packets ? [...HASHED, '-show_entries', `${PACKET},stream_index:packet_side_data=side_data_type`] : []),
    '-of', 'json=compact=1', '-i', fileUrl(source),
  ] // biome-ignore format: groups
}

/**
 * One line per packet of one stream, in decode order, `name=value` joined by `|`; then the stream's time base and pixel format. With
 * `sideData` the lines name the side data too (transport streams have some in every packet).
 */
export function packetArgs(job: { source: string; stream: number; genpts: boolean; sideData?: boolean }): string[] {
  return [
    ...HEAD, ...(job.genpts ? ['-fflags', '+genpts'] : []),
    '-select_streams', integer(job.stream),
    ...HASHED,
    '-show_entries', `${PACKET}:stream=time_base,pix_fmt${job.sideData ? ':packet_side_data=side_data_type' : ''}`,
    '-of', 'compact=p=0', '-i', fileUrl(job.source),
  ] // biome-ignore format: groups
}

/** One line of framehash per packet of the first stream of each file, all by one ffmpeg; its first column is the file's number. */
export function hashArgs(paths: readonly string[]): string[] {
  return [
    ...QUIET, ...paths.flatMap((path) => [...SAFE, '-copyts', '-i', fileUrl(path)]),
    ...paths.flatMap((_, at) => ['-map', `${at}:0`]),
    '-c', 'copy', '-f', 'framehash', '-hash', 'murmur3', 'pipe:1',
  ] // biome-ignore format: groups
}

/** One line per decoded frame; of the first `packets` packets only, where given. */
export function frameArgs(job: { source: string; stream: number; genpts: boolean; packets?: number }): string[] {
  return [
    ...HEAD, '-threads', '1', ...(job.genpts ? ['-fflags', '+genpts'] : []),
    '-select_streams', integer(job.stream),
    ...(job.packets === undefined ? [] : ['-read_intervals', `%+#${integer(job.packets)}`]),
    '-show_entries', `frame=pts,best_effort_timestamp,interlaced_frame,top_field_first:frame_side_data=side_data_type,${HDR_ENTRIES}`,
    '-of', 'compact=p=0', '-i', fileUrl(job.source),
  ] // biome-ignore format: groups
}

/** Size and pixel aspect of every keyframe, one line each; only keyframes are decoded. */
export function keyframeArgs(job: { source: string; stream: number; genpts: boolean }): string[] {
  return [
    ...HEAD, '-threads', '1', ...(job.genpts ? ['-fflags', '+genpts'] : []), '-skip_frame', 'nokey',
    '-select_streams', integer(job.stream),
    '-show_entries', 'frame=pts,best_effort_timestamp,width,height,sample_aspect_ratio',
    '-of', 'compact=p=0', '-i', fileUrl(job.source),
  ] // biome-ignore format: groups
}

/** The same by ffmpeg, where ffprobe comes from a build without this decoder; times in ticks of `timeBase`, no field order. */
export function checksumArgs(job: {
  source: string
  stream: number
  genpts: boolean
  timeBase: Rational
  frames?: number
}): string[] {
  return [
    ...QUIET, ...SAFE, ...(job.genpts ? ['-fflags', '+genpts'] : []), '-threads', '1', '-copyts', '-i', fileUrl(job.source),
    '-map', `0:${integer(job.stream)}`, '-fps_mode', 'passthrough', '-enc_time_base', fraction(job.timeBase, ':'),
    ...(job.frames === undefined ? [] : ['-frames:v', integer(job.frames)]), '-f', 'framecrc', 'pipe:1',
  ] // biome-ignore format: groups
}

/** Pictures of one input to compare with those of another. */
export interface ShownRange {
  readonly path: string
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly genpts: boolean
  /** Seconds to seek to; null reads from the beginning. */
  readonly seek: number | null
  /** Half-open range in ticks of `timeBase`, that of the input. */
  readonly start_pts: number
  readonly end_pts: number
  readonly timeBase: Rational
  /** Filters before the checksum, such as a conversion. */
  readonly filters: readonly string[]
}

/** One line of framecrc per picture of each range, all by one ffmpeg; its first column is the range's number. */
export function compareArgs(ranges: readonly ShownRange[]): string[] {
  return [
    ...QUIET, ...DAMAGE_ALLOWED,
    ...ranges.flatMap((range) => [
      ...SAFE, ...(range.genpts ? ['-fflags', '+genpts'] : []), '-noautorotate', '-threads', '1', '-copyts',
      ...(range.seek === null ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds(range.seek)]),
      '-i', fileUrl(range.path),
    ]),
    ...ranges.flatMap((range, at) => [
      '-map', `${at}:${integer(range.stream)}`, `-filter:v:${at}`,
      [`trim=start_pts=${integer(range.start_pts)}:end_pts=${integer(range.end_pts)}`, `setpts=PTS-(${range.start_pts})`, ...range.filters].join(),
      `-enc_time_base:v:${at}`, fraction(range.timeBase, ':'),
    ]),
    '-fps_mode', 'passthrough', '-f', 'framecrc', 'pipe:1',
  ] // biome-ignore format: groups
}

/** The `name=value` pairs of a compact line. Section names (`packet|…`) are left off by `p=0`. */
export function fieldsOf(line: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of line.split('|')) {
    const at = part.indexOf('=')
    if (at > 0) fields.set(part.slice(0, at), part.slice(at + 1))
  }
  return fields
}
