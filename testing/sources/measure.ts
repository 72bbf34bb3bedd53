/**
 * What is in a file, measured by the system's ffmpeg and nothing of ours: streams, picture by picture, sample by sample. `probe.ts`
 * and `read.ts` have what these rest on.
 */
import { execa } from 'execa'
import { TOOLS } from './make.ts'
import { type Container, filmStream, probeFile, streamsOf } from './probe.ts'
import { type Cue, readCues, readSound, shownTimes } from './read.ts'

/** Streams, tags, dispositions, chapters and duration. */
export const probe = (file: string): Promise<Container> => probeFile({ ffprobe: TOOLS.ffprobe, file })

export interface Picture {
  /** Seconds, as the file says. */
  readonly at_s: number
  /** Of its samples: equal pictures have equal ones. */
  readonly checksum: string
}

/** Every picture that is decoded of `stream` (the film where nothing is said), in order. */
export async function pictures(file: string, stream?: number): Promise<Picture[]> {
  const map = ['-map', `0:${stream ?? (await filmIndex(file))}`]
  const output = ['-vf', 'showinfo', '-fps_mode', 'passthrough', '-f', 'null', '-']
  const { stderr } = await ffmpeg(['-v', 'info', '-copyts', '-i', file, ...map, ...output])
  const checksums = [...stderr.matchAll(/ checksum:(\w+)/g)]
  return shownTimes(stderr).map((at_s, at) => ({ at_s, checksum: checksums[at]?.[1] ?? '' }))
}

/** Times of the decoded pictures, relative to the first. */
export async function frameTimes(file: string, stream?: number): Promise<number[]> {
  const all = await pictures(file, stream)
  return all.map(({ at_s }) => at_s - (all[0]?.at_s ?? 0))
}

/** Means over all pictures, 8 bit: what colours there are at all. */
export async function meanYuv(file: string, stream?: number): Promise<{ y: number; u: number; v: number }> {
  const map = ['-map', `0:${stream ?? (await filmIndex(file))}`]
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

/** SSIM of each picture against that of the same number in `reference`, which plain ffmpeg scales to the size of `file`. */
export async function ssim(file: string, reference: string, stream?: number): Promise<number[]> {
  const film = filmStream(await probe(file))
  if (!film) throw new Error(`${file} has no picture`)
  const number = 'settb=1/1000,setpts=N'
  const scale = `scale=${film.width}:${film.height}:flags=bicubic,format=yuv420p,setsar=1`
  const graph = [
    `[0:${film.index}]format=yuv420p,setsar=1,${number}[got]`,
    `[1:${stream ?? (await filmIndex(reference))}]${scale},${number}[wanted]`,
    '[got][wanted]ssim=stats_file=-:shortest=1',
  ]
  const output = ['-lavfi', graph.join(';'), '-fps_mode', 'passthrough', '-f', 'null', '-']
  const { stdout } = await ffmpeg(['-i', file, '-i', reference, ...output])
  return [...stdout.matchAll(/All:(\S+)/g)].map(([, value]) => Number(value))
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
  /** RMS of each channel, dB of full scale. */
  readonly levels: readonly number[]
}

/** Every sound track, decoded whole, in order. */
export async function sounds(file: string): Promise<Track[]> {
  const tracks = []
  for (const { index, codec, language, layout } of streamsOf(await probe(file), 'audio')) {
    const { rate, channels, runs } = await readSound({ ffmpeg: TOOLS.ffmpeg, file, stream: index })
    const samples = runs.reduce((sum, run) => sum + run.samples.length, 0) / Math.max(1, channels)
    const levels = Array.from({ length: channels }, (_, channel) => {
      const energy = runs.reduce((sum, run) => sum + energyOf(run.samples, channel, channels), 0)
      return 10 * Math.log10(energy / samples)
    })
    tracks.push({ codec, channels, layout, rate, language, samples, start_s: runs[0]?.start_s ?? 0, levels })
  }
  return tracks
}

function energyOf(samples: Float32Array, channel: number, channels: number): number {
  let sum = 0
  for (let at = channel; at < samples.length; at += channels) sum += (samples[at] ?? 0) ** 2
  return sum
}

/** The events of every text subtitle track, in order. */
export async function subtitles(file: string): Promise<Cue[][]> {
  const tracks = []
  for (const { index } of streamsOf(await probe(file), 'subtitle')) {
    tracks.push(await readCues({ ffmpeg: TOOLS.ffmpeg, file, stream: index }))
  }
  return tracks
}

/** How many pictures carry closed captions (CEA-608 or 708 in ATSC A53). */
export async function captionedFrames(file: string): Promise<number> {
  const show = ['-select_streams', 'v:0', '-show_entries', 'frame_side_data=side_data_type', '-of', 'csv=p=0']
  const { stdout } = await execa(TOOLS.ffprobe, ['-v', 'error', ...show, file], { stdin: 'ignore' })
  return [...stdout.matchAll(/ATSC A53/g)].length
}

async function filmIndex(file: string): Promise<number> {
  const film = filmStream(await probe(file))
  if (!film) throw new Error(`${file} has no picture`)
  return film.index
}

async function ffmpeg(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const quiet = ['-nostdin', '-hide_banner', '-nostats', '-v', 'error', '-threads', '1']
  return await execa(TOOLS.ffmpeg, [...quiet, ...args], { stdin: 'ignore' })
}
