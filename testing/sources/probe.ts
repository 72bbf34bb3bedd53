/** A file's streams and tags, by ffprobe. `unknown` from outside is narrowed here, once. */
import { execa } from 'execa'

export interface Stream {
  readonly index: number
  readonly type: string
  readonly codec: string
  readonly width: number
  readonly height: number
  readonly pixelFormat: string
  readonly sampleAspect: string
  readonly fieldOrder: string
  readonly timeBase: readonly [number, number]
  /** Seconds; 0 where the file does not say. */
  readonly start_s: number
  readonly duration_s: number
  readonly language: string
  readonly tags: Readonly<Record<string, string>>
  /** Names of the flags that are set: `default`, `forced`, `comment` … */
  readonly dispositions: readonly string[]
  readonly isCover: boolean
  /** Clockwise degrees of its display matrix; 0 without one. */
  readonly rotation: number
  readonly sideData: readonly string[]
  readonly color: {
    readonly range: string
    readonly space: string
    readonly primaries: string
    readonly transfer: string
  }
  readonly channels: number
  /** As ffprobe names it: `5.1(side)`; empty where the file says none. */
  readonly layout: string
  /** Samples per second of sound; 0 for other streams. */
  readonly rate: number
}

export interface Container {
  readonly streams: readonly Stream[]
  readonly chapters: readonly { readonly title: string; readonly start_s: number; readonly end_s: number }[]
  readonly duration_s: number
  /** Of the container. */
  readonly tags: Readonly<Record<string, string>>
}

export type Fields = Readonly<Record<string, unknown>>

export async function probeFile(job: { ffprobe: string; file: string }): Promise<Container> {
  const show = ['-show_streams', '-show_chapters', '-show_format', '-of', 'json']
  const { stdout } = await execa(job.ffprobe, ['-v', 'error', ...show, job.file], { stdin: 'ignore' })
  const found = fields(JSON.parse(stdout))
  return {
    streams: list(found.streams).map(readStream),
    chapters: list(found.chapters).map((chapter) => ({
      title: text(fields(chapter.tags).title),
      start_s: Number(chapter.start_time),
      end_s: Number(chapter.end_time),
    })),
    duration_s: Number(fields(found.format).duration ?? 0),
    tags: texts(fields(found.format).tags),
  }
}

/** The film: the first video stream that is no cover. */
export const filmStream = (container: Container): Stream | undefined =>
  container.streams.find((stream) => stream.type === 'video' && !stream.isCover)

export const streamsOf = (container: Container, type: string): Stream[] =>
  container.streams.filter((stream) => stream.type === type)

function readStream(stream: Fields): Stream {
  const sideData = list(stream.side_data_list)
  const turn = sideData.map((data) => Number(data.rotation)).find((degrees) => Number.isFinite(degrees)) ?? 0
  return {
    index: Number(stream.index),
    type: text(stream.codec_type),
    codec: text(stream.codec_name),
    width: Number(stream.width ?? 0),
    height: Number(stream.height ?? 0),
    pixelFormat: text(stream.pix_fmt),
    sampleAspect: text(stream.sample_aspect_ratio),
    fieldOrder: text(stream.field_order),
    timeBase: ratio(text(stream.time_base)),
    start_s: Number(stream.start_time ?? 0) || 0,
    duration_s: Number(stream.duration ?? 0),
    language: text(fields(stream.tags).language) || 'und',
    tags: texts(stream.tags),
    dispositions: flagsOf(stream),
    isCover: fields(stream.disposition).attached_pic === 1,
    rotation: (360 - turn) % 360,
    sideData: sideData.map((data) => text(data.side_data_type)),
    color: {
      range: text(stream.color_range),
      space: text(stream.color_space),
      primaries: text(stream.color_primaries),
      transfer: text(stream.color_transfer),
    },
    channels: Number(stream.channels ?? 0),
    layout: text(stream.channel_layout),
    rate: Number(stream.sample_rate ?? 0),
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
export const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
export const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.map(fields) : [])
/** Names of the dispositions that are set. */
export const flagsOf = (stream: Fields): string[] =>
  Object.entries(fields(stream.disposition)).flatMap(([name, set]) => (set === 1 ? [name] : []))
const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(fields(value)).map(([name, each]) => [name, text(each)]))

function ratio(value: string): readonly [number, number] {
  const [numerator = 0, denominator = 1] = value.split('/').map(Number)
  return [numerator, denominator]
}
