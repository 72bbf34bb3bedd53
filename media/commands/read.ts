/** The ffprobe commands: streams, packets and decoded frames. Values are read by name: columns differ between builds. */
import type { Rational } from '../../protocol/plan.ts'
import { fileUrl, QUIET, SAFE } from './safe.ts'

const HEAD = ['-hide_banner', '-v', 'warning', ...SAFE]

/** Format, streams, chapters and programmes as JSON. */
export function probeArgs(source: string): string[] {
  return [
    ...HEAD,
    '-show_format',
    '-show_streams',
    '-show_chapters',
    '-show_programs',
    '-of',
    'json',
    '-i',
    fileUrl(source),
  ]
}

/**
 * One line per packet of one stream, in decode order, `name=value` joined by `|`; then the stream's time base. With `sideData` the lines
 * name the side data too (transport streams have some in every packet).
 */
export function packetArgs(job: { source: string; stream: number; genpts: boolean; sideData?: boolean }): string[] {
  return [
    ...HEAD, ...(job.genpts ? ['-fflags', '+genpts'] : []),
    '-select_streams', String(job.stream),
    '-show_entries', `packet=pts,dts,duration,flags,pos:stream=time_base${job.sideData ? ':packet_side_data=side_data_type' : ''}`,
    '-of', 'compact=p=0', '-i', fileUrl(job.source),
  ] // biome-ignore format: groups
}

/** One line per decoded frame; of the first `packets` packets only, where given. */
export function frameArgs(job: { source: string; stream: number; genpts: boolean; packets?: number }): string[] {
  return [
    ...HEAD, '-threads', '1', ...(job.genpts ? ['-fflags', '+genpts'] : []),
    '-select_streams', String(job.stream),
    ...(job.packets === undefined ? [] : ['-read_intervals', `%+#${job.packets}`]),
    '-show_entries', 'frame=pts,best_effort_timestamp,interlaced_frame,top_field_first:frame_side_data=side_data_type',
    '-of', 'compact=p=0', '-i', fileUrl(job.source),
  ] // biome-ignore format: groups
}

/** Size and pixel aspect of every keyframe, one line each; only keyframes are decoded. */
export function keyframeArgs(job: { source: string; stream: number; genpts: boolean }): string[] {
  return [
    ...HEAD, '-threads', '1', ...(job.genpts ? ['-fflags', '+genpts'] : []), '-skip_frame', 'nokey',
    '-select_streams', String(job.stream),
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
    '-map', `0:${job.stream}`, '-fps_mode', 'passthrough', '-enc_time_base', job.timeBase.join(':'),
    ...(job.frames === undefined ? [] : ['-frames:v', String(job.frames)]), '-f', 'framecrc', 'pipe:1',
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
