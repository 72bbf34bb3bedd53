/**
 * What is in a file, measured by the system's ffmpeg and nothing of ours: streams, picture by picture, sample by sample. `probe.ts`
 * and `read.ts` have what these rest on.
 */
import { stat } from 'node:fs/promises'
import { execa } from 'execa'
import { TOOLS } from './make.ts'
import { type Container, filmStream, probeFile, type Stream, streamsOf } from './probe.ts'
import { type Cue, readCues, shownTimes } from './read.ts'

/** A film of two hours says about 100 MB of its pictures. */
const LOG_BYTES_MAX = 2 ** 29

/** Streams, tags, dispositions, chapters and duration; a file that has not changed is probed once. */
export async function probe(file: string): Promise<Container> {
  const { ino, size, mtimeNs } = await stat(file, { bigint: true })
  const identity = [file, ino, size, mtimeNs].join()
  const found = probed.get(identity) ?? probeFile({ ffprobe: TOOLS.ffprobe, file })
  probed.set(identity, found)
  return await found
}

const probed = new Map<string, Promise<Container>>()

export interface Picture {
  /** Seconds, as the file says. */
  readonly at_s: number
  /** Of its samples: equal pictures have equal ones. */
  readonly checksum: string
}

/** Every picture that is decoded of `stream` (the film where nothing is said), in order; about the first `count` where that is given. */
export async function pictures(
  file: string,
  { stream, count }: { stream?: number; count?: number } = {},
): Promise<Picture[]> {
  const map = ['-map', `0:${stream ?? (await filmOf(file)).index}`]
  const few = count === undefined ? [] : ['-frames:v', String(count)]
  const output = ['-vf', 'showinfo', '-fps_mode', 'passthrough', ...few, '-f', 'null', '-']
  const { stderr } = await ffmpeg(['-v', 'info', '-copyts', '-i', file, ...map, ...output])
  const checksums = [...stderr.matchAll(/ checksum:(\w+)/g)]
  return shownTimes(stderr).map((at_s, at) => ({ at_s, checksum: checksums[at]?.[1] ?? '' }))
}

/** Times of the decoded pictures, relative to the first. */
export async function frameTimes(file: string): Promise<number[]> {
  const all = await pictures(file)
  return all.map(({ at_s }) => at_s - (all[0]?.at_s ?? 0))
}

/** Means over all pictures, 8 bit: what colours there are at all. */
export async function meanYuv(file: string): Promise<{ y: number; u: number; v: number }> {
  const map = ['-map', `0:${(await filmOf(file)).index}`]
  const filter = 'format=yuv420p,signalstats,metadata=print:file=-'
  const { stdout } = await ffmpeg(['-i', file, ...map, '-vf', filter, '-fps_mode', 'passthrough', '-f', 'null', '-'])
  const mean = (plane: string): number => {
    const values = [...stdout.matchAll(new RegExp(`signalstats\\.${plane}AVG=(\\S+)`, 'g'))].map(([, value]) =>
      Number(value),
    )
    return values.reduce((sum, value) => sum + value, 0) / values.length
  }
  return { y: mean('Y'), u: mean('U'), v: mean('V') }
}

/**
 * SSIM of each picture against the one of `reference` that is shown at its time (counted from the first), which plain ffmpeg
 * scales to the size of `file`. Empty for pictures under 8 pixels, which have none.
 */
export async function ssim(file: string, reference: string): Promise<number[]> {
  const [film, wanted] = [await filmOf(file), await filmOf(reference)]
  const scale = `scale=${film.width}:${film.height}:flags=bicubic,format=yuv420p,setsar=1`
  // Times are rounded in either file: the reference comes a millisecond early, so that each picture finds its own.
  const graph = [
    `[0:${film.index}]format=yuv420p,setsar=1,settb=1/90000,setpts=PTS-STARTPTS[got]`,
    `[1:${wanted.index}]${scale},settb=1/90000,setpts=PTS-STARTPTS-90[wanted]`,
    '[got][wanted]ssim=stats_file=-',
  ]
  const output = ['-lavfi', graph.join(';'), '-fps_mode', 'passthrough', '-f', 'null', '-']
  const { stdout } = await ffmpeg(['-i', file, '-i', reference, ...output])
  return [...stdout.matchAll(/All:(\d\S*)/g)].map(([, value]) => Number(value))
}

export interface Track {
  readonly codec: string
  readonly channels: number
  readonly layout: string
  readonly rate: number
  readonly language: string
  /** Of each channel, decoded whole. */
  readonly samples: number
  /** Seconds, as the file says. */
  readonly start_s: number
  /** When the first sound above -50 dB is heard: a late track may begin with silence in its place. */
  readonly heard_s: number
  /** RMS of each channel, dB of full scale. */
  readonly levels: readonly number[]
}

/**
 * Every sound track, decoded whole, in order. From `from_s` on, where it is given: with silence in front of a later track and in
 * holes, as players fill them.
 */
export async function sounds(file: string, { from_s }: { from_s?: number } = {}): Promise<Track[]> {
  const tracks = []
  for (const { index, codec, channels, layout, rate, language } of streamsOf(await probe(file), 'audio')) {
    const input = ['-v', 'info', '-copyts', '-i', file, '-map', `0:${index}`]
    const fill = from_s === undefined ? '' : `aresample=async=1:first_pts=${Math.round(from_s * rate)},`
    const measure = 'silencedetect=n=-50dB:d=0.02,astats=measure_perchannel=RMS_level:measure_overall=Number_of_samples'
    const { stderr } = await ffmpeg([...input, '-af', `${fill}ashowinfo,${measure}`, '-f', 'null', '-'])
    const samples = Number(/Number of samples: (\d+)/.exec(stderr)?.[1] ?? 0)
    const levels = [...stderr.matchAll(/RMS level dB: (\S+)/g)].map(([, level]) =>
      level === '-inf' ? Number.NEGATIVE_INFINITY : Number(level),
    )
    // `pts_time` beside it has six digits; ffmpeg filters sound in ticks of one sample.
    const start_s = Number(/ n:\s*0 pts:\s*(-?\d+)/.exec(stderr)?.[1] ?? 0) / rate
    const heard_s = heardAt(stderr, start_s)
    tracks.push({ codec, channels, layout, rate, language, samples, start_s, heard_s, levels })
  }
  return tracks
}

function heardAt(log: string, start_s: number): number {
  const [, begin] = /silence_start: (\S+)/.exec(log) ?? []
  const [, end] = /silence_end: (\S+)/.exec(log) ?? []
  const isSilentAtFirst = begin !== undefined && Math.abs(Number(begin) - start_s) < 0.001
  return isSilentAtFirst && end !== undefined ? Number(end) : start_s
}

/** The events of every subtitle track that is text to this ffmpeg, in order. */
export async function subtitles(file: string): Promise<Cue[][]> {
  const tracks = []
  for (const { index } of streamsOf(await probe(file), 'subtitle').filter(isText)) {
    tracks.push(await readCues({ ffmpeg: TOOLS.ffmpeg, file, stream: index }))
  }
  return tracks
}

const BITMAPS = new Set(['hdmv_pgs_subtitle', 'dvd_subtitle', 'dvb_subtitle', 'dvb_teletext', 'xsub'])

/** What has no decoder is called `unknown`, or nothing. */
export const isText = ({ type, codec }: Stream): boolean =>
  type === 'subtitle' && codec !== '' && codec !== 'unknown' && !BITMAPS.has(codec)

/** How many pictures carry closed captions (CEA-608 or 708 in ATSC A53). */
export async function captionedFrames(file: string): Promise<number> {
  const show = ['-select_streams', 'v:0', '-show_entries', 'frame_side_data=side_data_type', '-of', 'csv=p=0']
  const { stdout } = await execa(TOOLS.ffprobe, ['-v', 'error', ...show, file], { stdin: 'ignore' })
  return [...stdout.matchAll(/ATSC A53/g)].length
}

async function filmOf(file: string): Promise<Stream> {
  const film = filmStream(await probe(file))
  if (!film) throw new Error(`${file} has no picture`)
  return film
}

async function ffmpeg(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const quiet = ['-nostdin', '-hide_banner', '-nostats', '-v', 'error', '-threads', '1']
  return await execa(TOOLS.ffmpeg, [...quiet, ...args], { stdin: 'ignore', maxBuffer: LOG_BYTES_MAX })
}
