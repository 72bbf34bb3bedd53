/**
 * The commands of the trial of a source's audio: the beginning and the end of each track are decoded and, where a stream copy may do,
 * copied by the same process, from the same packets. The copies are decoded by another one.
 *
 * Samples are compared as 32-bit floats, by `framecrc`, which also says what layout the decoder answers. Each copy is a file of its own:
 * the first stream that is complete ends the others of its file.
 */
import { decimal, integer, seconds } from './argument.ts'
import { DAMAGE_ALLOWED, fileUrl, QUIET, SAFE } from './safe.ts'
import { BARE, NUT } from './split.ts'

/** Seconds decoded at the beginning of a track. */
const HEAD_S = 1
/** Number of packets copied there: more than a second, but for those of the smallest. */
const HEAD_PACKETS = 128

const COMPARED = ['-c:a', 'pcm_f32le', '-f', 'framecrc', 'pipe:1']

/** A track to copy, and files for its beginning and its end. */
export interface TrialCopy {
  /** ffmpeg's stream index. */
  readonly stream: number
  readonly head: string
  readonly tail: string
}

/** The trial of some tracks. Paths are absolute. */
export interface AudioTrialJob {
  readonly source: string
  /** ffmpeg's stream indices. */
  readonly streams: readonly number[]
  readonly copies: readonly TrialCopy[]
  /** Whether the file is so short that all of it is the beginning. */
  readonly isShort: boolean
  /** Seconds from the beginning of the file at which its end is read; null where it is not. */
  readonly end: number | null
  /** Seconds added to the times of the copies. */
  readonly offset: number
}

/** Arguments to decode beginnings, then ends, to framecrc, one stream after another, and to write the copies. */
export function audioTrialArgs({ source, streams, copies, isShort, end, offset }: AudioTrialJob): string[] {
  const input = [...SAFE, '-copyts', '-vn', '-sn', '-dn']
  const copy = (from: string, packets: readonly string[], out: string) => [
    '-map', from, '-c', 'copy', ...packets, ...BARE, '-output_ts_offset', decimal(offset), ...NUT, fileUrl(out),
  ] // biome-ignore format: groups
  const head = isShort ? [] : ['-frames:a', String(HEAD_PACKETS)]
  return [
    ...QUIET, ...DAMAGE_ALLOWED, ...input, '-i', fileUrl(source),
    ...(end === null ? [] : [...input, '-noaccurate_seek', '-ss', seconds(end), '-i', fileUrl(source)]),
    ...streams.flatMap((stream) => ['-map', `0:${integer(stream)}`]),
    ...(end === null ? [] : streams.flatMap((stream) => ['-map', `1:${integer(stream)}`])),
    ...(isShort ? [] : beginnings(streams)),
    ...COMPARED,
    ...copies.flatMap((track) => copy(`0:${integer(track.stream)}`, head, track.head)),
    ...(end === null ? [] : copies.flatMap((track) => copy(`1:${integer(track.stream)}`, [], track.tail))),
  ] // biome-ignore format: groups
}

/** Arguments of one more output of a process that reads the source from its beginning: the beginning of each track, to framecrc. */
export function straightArgs(streams: readonly number[]): string[] {
  const maps = streams.flatMap((stream) => ['-map', `0:${integer(stream)}`])
  return [...DAMAGE_ALLOWED, ...maps, ...beginnings(streams), ...COMPARED]
}

const beginnings = (streams: readonly number[]): string[] =>
  streams.flatMap((_, at) => [`-filter:a:${at}`, `atrim=duration=${HEAD_S}`])

/** Arguments to decode the copies in the same order: all beginnings, then all ends. */
export function copiedTrialArgs(files: readonly string[]): string[] {
  return [
    ...QUIET, ...DAMAGE_ALLOWED,
    ...files.flatMap((file) => [...SAFE, '-copyts', '-i', fileUrl(file)]),
    ...files.flatMap((_, at) => ['-map', `${at}:a`]),
    ...COMPARED,
  ] // biome-ignore format: groups
}
