/**
 * The audio: every track in one piece, in one ffmpeg, from the file of extras. AAC encoded per chunk drifts 35 ms at every join.
 * Each track starts with the video: earlier samples are cut, a late start and gaps become silence.
 */
import type { AudioFacts } from '../../protocol/plan.ts'
import { fileUrl, PROGRESS, QUIET, SAFE, seconds } from './safe.ts'

/** AAC has no layouts with side speakers: these become its layouts with the same channels. Others stay. */
const AAC_LAYOUTS: Readonly<Record<string, string>> = { '5.1(side)': '5.1', '5.0(side)': '5.0', 'quad(side)': 'quad' }
const SAMPLE_RATE = 48_000

/** The filter that aligns a track with the video. `start`: time of the first video frame in the input, seconds. */
export function audioFilter(track: AudioFacts, start: number): string {
  const layout = AAC_LAYOUTS[track.layout]
  const timing = `asetpts=PTS-(${seconds(start)})/TB,aresample=${SAMPLE_RATE}:async=1:first_pts=0:min_hard_comp=0.01`
  return layout === undefined ? timing : `${timing},aformat=channel_layouts=${layout}`
}

/** The audio of a video to encode. Paths are absolute. */
export interface AudioJob {
  readonly input: string
  readonly out: string
  readonly tracks: readonly AudioFacts[]
  /** Time of the first video frame in the input, seconds. */
  readonly start: number
  /** kb/s for each channel. */
  readonly kbps: number
  /** Whether the file of extras has each track with `audioFilter` applied (FLAC, for Opus and WMA). */
  readonly filtered: readonly boolean[]
}

/** The arguments of the ffmpeg that encodes every audio track to AAC in one MP4. */
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

/** Whether the file of extras holds a track decoded: NUT loses the pre-skip of Opus and the block size of WMA. */
export const isDecodedForExtra = ({ codec }: Pick<AudioFacts, 'codec'>): boolean =>
  codec === 'opus' || codec.startsWith('wma')
