/**
 * The audio: every track whole, in one ffmpeg, from the extra. AAC made per chunk drifts 35 ms at every join.
 * Each track starts with the video: what comes earlier is cut, a late start and gaps become silence.
 */
import type { AudioFacts } from '../../protocol/plan.ts'
import { fileUrl, PROGRESS, QUIET, SAFE, seconds } from './safe.ts'

/** AAC has no layouts with side speakers; the same channels under its own names. Others are kept as they are. */
const AAC_LAYOUTS: Readonly<Record<string, string>> = { '5.1(side)': '5.1', '5.0(side)': '5.0', 'quad(side)': 'quad' }
const SAMPLE_RATE = 48_000

/** `start`: seconds, in the input's time, of the first video frame. */
export function audioFilter(track: AudioFacts, start: number): string {
  const layout = AAC_LAYOUTS[track.layout]
  const timing = `asetpts=PTS-(${seconds(start)})/TB,aresample=${SAMPLE_RATE}:async=1:first_pts=0:min_hard_comp=0.01`
  return layout === undefined ? timing : `${timing},aformat=channel_layouts=${layout}`
}

export interface AudioJob {
  readonly input: string
  readonly out: string
  readonly tracks: readonly AudioFacts[]
  /** Seconds in the extra's time of the first video frame. */
  readonly start: number
  /** kb/s for each channel. */
  readonly kbps: number
  /** Tracks the extra already holds with the filter applied (FLAC for Opus and WMA). */
  readonly filtered: readonly boolean[]
}

export function audioArgs(job: AudioJob): string[] {
  return [
    ...QUIET, ...PROGRESS, ...SAFE, '-copyts', '-vn', '-i', fileUrl(job.input),
    ...job.tracks.flatMap((track, at) => [
      '-map', `0:a:${at}`,
      `-filter:a:${at}`, job.filtered[at] ? `asetpts=PTS-(${seconds(job.start)})/TB` : audioFilter(track, job.start),
      `-b:a:${at}`, `${job.kbps * Math.max(1, track.channels)}k`,
    ]),
    '-c:a', 'aac', '-map_metadata', '-1', '-map_chapters', '-1',
    '-fflags', '+bitexact', '-flags:a', '+bitexact', '-f', 'mp4', fileUrl(job.out),
  ] // biome-ignore format: groups
}

/** NUT loses what these need (Opus: its pre-skip, WMA: its block size): the extra holds them decoded. */
export const isDecodedForExtra = ({ codec }: Pick<AudioFacts, 'codec'>): boolean =>
  codec === 'opus' || codec.startsWith('wma')
