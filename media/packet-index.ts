/**
 * The index of a source: every packet of its picture in decode order, and the time of every picture it shows. Pure; the
 * adapter reads the packets (`commands/read.ts`) and a few decoded frames of the beginning, and asks here what they mean.
 *
 * Packets are usually pictures. Where they are not (field-coded broadcast H.264, packed MPEG-4, times missing or double),
 * the pictures are counted by decoding and the source is one chunk: `whole`.
 */
import type { HdrData } from '../protocol/hdr.ts'
import type { SourceIndex } from '../protocol/media.ts'
import type { ClockJump, Fate, Rational, Shape } from '../protocol/plan.ts'
import { fieldsOf } from './commands/read.ts'
import type { PacketRow } from './probe/packets.ts'
import type { Promised } from './promises.ts'
import { reduced, secondsOf } from './rational.ts'

/** Columns, because a film has a million of them. NaN where the container does not say. */
export interface Packets {
  readonly pts: number[]
  readonly dts: number[]
  readonly duration: number[]
  readonly key: boolean[]
  /** Decoded but not shown: before an edit list's start. */
  readonly discarded: boolean[]
  /** Position in the file, bytes. */
  readonly position: number[]
  /** Whether the demuxer announced other parameters (size, codec data) in mid-file. */
  announced: boolean
  /** Bytes, and 52 bits of a hash of them. */
  readonly size: number[]
  readonly hash: number[]
  timeBase: Rational | null
  /** Of the decoder; '' where it is unknown. */
  pixelFormat: string
}

/** The index of a source: its packets, and what is known of its pictures. Times are ticks of the stream. */
export interface PacketIndex extends SourceIndex {
  readonly packets: Packets
  /** Times of the pictures shown, ascending, no two equal. */
  readonly times: readonly number[]
  readonly end_pts: number
  /** Frames per second where the pictures are only counted; null where they have times. */
  readonly counted_rate: Rational | null
  /** Why the source must be one chunk read straight from it; null where it can be cut. */
  readonly whole: string | null
  readonly interlaced: boolean
  readonly top_field_first: boolean
  /** Whether each packet is one field; `times` are those of frames. */
  readonly fields: boolean
  /** Whether pictures carry closed captions. */
  readonly captions: boolean
  /** What the first one says of its HDR. */
  readonly hdr: HdrData
  /** What `plainPicture` answers of its pictures. */
  readonly plain?: string | null
  /** That of the source before it was read (`fileIdentity`), where its packets were read with its streams. */
  readonly identity?: string | null
  /** What the file promised where it was cut off, else null. */
  readonly cutOff: Promised | null
  /** Empty where the picture has one shape. */
  readonly shapes: readonly Shape[]
  /** Jumps of the clock; absent where it has none. */
  readonly jumps?: readonly ClockJump[]
  readonly fates: readonly Fate[]
}

/** Packets of 20 hours at 240 fps: bounds the memory of an index. */
export const PACKETS_MAX = 20_000_000
/** Largest share (0–1) of packets without pts for which `-fflags +genpts` computes them, for every codec. */
const GENPTS_SHARE_MAX = 0.05

/** An index without packets. */
export const noPackets = (): Packets => ({
  pts: [], dts: [], duration: [], key: [], discarded: [], position: [], size: [], hash: [], announced: false, timeBase: null, pixelFormat: '',
}) // biome-ignore format: a record

/** Adds one line of ffprobe's packet list. */
export function takePacket(packets: Packets, line: string): void {
  const fields = fieldsOf(line)
  const flags = fields.get('flags')
  // Side data stands in the line of its packet, and from the second on in lines of its own. The first packet has those of the header.
  if (packets.pts.length > (flags === undefined ? 1 : 0) && line.includes('=New Extradata')) packets.announced = true
  if (flags === undefined) {
    const timeBase = fields.get('time_base')?.split('/').map(Number)
    if (timeBase?.[0] && timeBase[1]) packets.timeBase = [timeBase[0], timeBase[1]]
    packets.pixelFormat = fields.get('pix_fmt') ?? packets.pixelFormat
    return
  }
  addPacket(packets, (name) => fields.get(name))
}

/** Adds one packet; `value`: what ffprobe says of a field, undefined where it does not say it. */
function addPacket(packets: Packets, value: (name: string) => string | undefined): void {
  packets.pts.push(ticks(value('pts')))
  packets.dts.push(ticks(value('dts')))
  packets.duration.push(ticks(value('duration')))
  packets.key.push(value('flags')?.includes('K') === true)
  packets.discarded.push(value('flags')?.includes('D') === true)
  packets.position.push(ticks(value('pos')))
  packets.size.push(ticks(value('size')))
  packets.hash.push(hashOf(value('data_hash')?.slice(HASH_NAME.length) ?? ''))
}

/** The packets that a probe has read, the same as those of ffprobe's list. `sideData`: whether their side data count. */
export function packetsOf(
  rows: readonly PacketRow[],
  of: { readonly timeBase: Rational; readonly pixelFormat: string; readonly sideData: boolean },
): Packets {
  const { timeBase, pixelFormat, sideData } = of
  const packets = { ...noPackets(), timeBase, pixelFormat }
  for (const { fields } of rows) addPacket(packets, (name) => fields.get(name))
  // The first packet has those of the header.
  packets.announced = sideData && rows.slice(1).some((row) => row.sideData.includes('New Extradata'))
  return packets
}

const HASH_NAME = 'murmur3:'

/** Adds one line of framehash to the file it is of: `file, dts, pts, duration, bytes, hash`, or `#tb file: time base` before them. */
export function takeHashed(files: readonly Packets[], line: string): void {
  const base = /^#tb (\d+): (\d+)\/(\d+)$/.exec(line)
  if (base) files[Number(base[1])]!.timeBase = [Number(base[2]), Number(base[3])]
  if (line.startsWith('#')) return
  const [file, dts, pts, duration, size, hash = ''] = line.split(',').map((field) => field.trim())
  const packets = files[Number(file)]!
  for (const [column, text] of [
    ['dts', dts],
    ['pts', pts],
    ['duration', duration],
    ['size', size],
  ] as const)
    packets[column].push(ticks(text))
  packets.hash.push(hashOf(hash))
}

/** 52 bits of a hash in hexadecimal digits. */
const hashOf = (digits: string): number => Number.parseInt(digits.slice(0, 13), 16)

const ticks = (text: string | undefined): number => (text === undefined || text === 'N/A' ? NaN : Number(text))

/** One decoded picture. `pts`: ticks of the stream, NaN where the decoder gives none. */
export interface DecodedFrame {
  readonly pts: number
  /** Time of its packet, which a decoder that puts pictures into another order may not use; absent where it is not known. */
  readonly own?: number
  readonly interlaced: boolean
  readonly topFieldFirst: boolean
  /** Whether it carries closed captions. */
  readonly captions?: boolean
  /** What ffprobe says of the side data of the first one. */
  readonly sideData?: string
}

/** Adds one line of ffprobe's frame list. */
export function takeFrame(frames: DecodedFrame[], line: string): void {
  const fields = fieldsOf(line)
  const pts = ticks(fields.get('best_effort_timestamp') ?? fields.get('pts'))
  const captions = line.includes('Closed Captions')
  if (!fields.has('best_effort_timestamp') && !fields.has('pts')) {
    // Side data from the second on stands in lines of its own.
    const last = frames.pop()
    const sideData = last?.sideData === undefined ? {} : { sideData: `${last.sideData}\n${line}` }
    if (last) frames.push({ ...last, captions: last.captions === true || captions, ...sideData })
    return
  }
  frames.push({
    pts,
    own: ticks(fields.get('pts')),
    interlaced: fields.get('interlaced_frame') === '1',
    topFieldFirst: fields.get('top_field_first') === '1',
    captions,
    ...(frames.length === 0 && { sideData: line }),
  })
}

/** Adds one line of framecrc: `0, dts, pts, duration, bytes, checksum`; comments begin with `#`. */
export function takeChecksum(frames: DecodedFrame[], line: string): void {
  const pts = /^0,\s*-?\d+,\s*(-?\d+),/.exec(line.trim())?.[1]
  if (pts !== undefined) frames.push({ pts: Number(pts), interlaced: false, topFieldFirst: false })
}

/**
 * Hides the last packet of uncompressed pictures, which all have one size, where it is shorter: the beginning of a picture in a file that was
 * cut off, or what lies behind the last one (Adobe filmstrip). No decoder makes a picture of it.
 */
export function hideRemnant({ size, discarded }: Packets, codec: string): void {
  if (codec === 'rawvideo' && size.length > 1 && size.at(-1)! < size[0]!) discarded[size.length - 1] = true
}

/** How the times of these packets must be read. */
export function readingOf(packets: Packets, codec: string): 'as they are' | 'genpts' | 'decode' {
  const shown = packets.pts.filter((_, at) => !packets.discarded[at])
  const missing = shown.filter(Number.isNaN).length
  if (missing === 0) return 'as they are'
  return missing > shown.length * GENPTS_SHARE_MAX && (codec === 'h264' || codec === 'hevc') ? 'decode' : 'genpts'
}

/** A decode clock that falls by more than this has been reset; some muxers write a little disorder. */
const JUMP_BACK_S = 0.5

/** Seconds at which the source's own clock jumps back, so that two pictures claim one time; null where it never does. */
export function clockFallsAt({ dts, discarded }: Packets, timeBase: Rational): number | null {
  let highest = -Infinity
  for (const [at, time] of dts.entries()) {
    if (Number.isNaN(time) || discarded[at]) continue
    if (secondsOf(highest - time, timeBase) > JUMP_BACK_S)
      return secondsOf(highest - dts.find((first) => !Number.isNaN(first))!, timeBase)
    highest = Math.max(highest, time)
  }
  return null
}

/** Whether packets are pictures, by what the first `packetsRead` of them decoded to; if not, why. */
export function packetsArePictures(
  packets: Packets,
  head: readonly DecodedFrame[],
  packetsRead: number,
): string | null {
  const shown = packets.discarded.slice(0, packetsRead).filter((hidden) => !hidden).length
  if (head.length < 0.75 * shown - 2) return 'its packets are not pictures'
  const known = new Set(packets.pts)
  if (head.some(({ pts }) => !known.has(pts))) return 'its pictures have other times than its packets'
  return null
}

/**
 * Whether the times of packets say only when they are decoded: the decoder shows pictures in another order than these times. Files have such
 * times where their writer did not know of B-frames (MP4 without `ctts`).
 */
export function areDecodeTimes({ pts, dts }: Packets, head: readonly DecodedFrame[]): boolean {
  if (pts.some((time, at) => time !== dts[at])) return false
  return head.some(({ own }, at) => own !== undefined && own < (head[at - 1]?.own ?? NaN))
}

/** Ascending times of the packets shown, from the first decodable picture on; null where two are equal or one is missing. */
export function timesOf(packets: Packets, firstDecoded: number): number[] | null {
  const times = packets.pts.filter((pts, at) => !packets.discarded[at] && !(pts < firstDecoded)).sort((a, b) => a - b)
  if (times.some(Number.isNaN)) return null
  return times.some((time, at) => at > 0 && time === times[at - 1]) ? null : times
}

/** Ascending times of decoded pictures. The last ones, which a decoder only lets go of at the end, may have none: made up. */
export function decodedTimesOf(frames: readonly DecodedFrame[]): number[] {
  const known = [...new Set(frames.map(({ pts }) => pts).filter((pts) => !Number.isNaN(pts)))].sort((a, b) => a - b)
  const step = known.length > 1 ? Math.round((known.at(-1)! - known[0]!) / (known.length - 1)) : 1
  let trailing = 0
  while (trailing < frames.length && Number.isNaN(frames.at(-1 - trailing)!.pts)) trailing++
  for (; trailing > 0 && known.length > 0; trailing--) known.push(known.at(-1)! + Math.max(1, step))
  return known
}

/** A packet that is decoded but not shown, at a time where others are shown: only the source itself keeps them apart. */
export function hiddenInside(packets: Packets, times: readonly number[]): boolean {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  return packets.discarded.some((hidden, at) => hidden && packets.pts[at]! >= first && packets.pts[at]! <= last)
}

/** The end of the last picture: its own duration where it has one, else the usual distance between two. */
export function endOf(packets: Packets, times: readonly number[], timeBase: Rational): number {
  const last = times.at(-1)!
  const own = packets.duration[packets.pts.lastIndexOf(last)]
  if (own !== undefined && own > 0) return last + own
  const usual = times.length > 1 ? (last - times[0]!) / (times.length - 1) : timeBase[1] / timeBase[0] / 25
  return last + Math.max(1, Math.round(usual))
}

/** Deviation of a frame from the grid that distinguishes a constant rate from a variable one: a fifth of a frame, or the container's rounding. */
const JITTER_SHARE = 0.2
const COMMON_RATES: readonly Rational[] = [
  [24000, 1001], [24, 1], [25, 1], [30000, 1001], [30, 1], [48, 1], [50, 1], [60000, 1001], [60, 1], [25, 2], [15, 1],
  [120000, 1001], [120, 1], [12, 1], [10, 1], [144, 1], [240, 1], [20, 1], [5, 1], [1, 1],
] // biome-ignore format: a table
const RATE_MAX = 1000

/**
 * The one rate that every chunk's encoder gets, and whether the frames follow it. The encoders' own guess differs from
 * chunk to chunk, and with it the level in their parameter sets.
 */
export function frameRate(
  times: readonly number[],
  timeBase: Rational,
  guesses: readonly (Rational | null)[],
): { fps: Rational; variable: boolean } {
  const candidates = [...guesses, ...COMMON_RATES].filter(
    (rate) => rate !== null && rate[0] / rate[1] <= RATE_MAX,
  ) as Rational[]
  const span = secondsOf(times.at(-1)! - times[0]!, timeBase)
  if (times.length < 2 || span <= 0) return { fps: candidates[0] ?? [25, 1], variable: false }
  const step = (times.at(-1)! - times[0]!) / (times.length - 1)
  const slack = Math.max(1, JITTER_SHARE * step)
  const variable = times.some((time, at) => Math.abs(time - times[0]! - at * step) > slack)
  const measured = (times.length - 1) / span
  if (variable) return { fps: [Math.min(RATE_MAX, Math.max(1, Math.round(measured))), 1], variable }
  const close = candidates.find(
    (rate) => Math.abs((rate[0] / rate[1]) * span - (times.length - 1)) < 0.25 + 0.0005 * times.length,
  )
  return { fps: close ?? roundedRate(measured), variable }
}

const roundedRate = (rate: number): Rational => reduced(Math.max(1, Math.round(Math.min(rate, RATE_MAX) * 1000)), 1000)
