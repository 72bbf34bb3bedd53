/**
 * Writes text tracks as an MP4 file (3GPP timed text, TS 26.245), which the merge copies. ffmpeg's own writer of such tracks leaves
 * pauses and ends to chance: an empty sample stands in each pause here, and the last sample ends with the film. Pure.
 */
import type { Sample, StyleRun } from './events.ts'

/** Ticks per second: those of no other track may be finer, as ffmpeg compares ticks of different tracks when it adds empty samples. */
export const textTimescale = (trackTimescale: number): number =>
  1000 * Math.ceil(Math.max(trackTimescale, 48_000) / 1000)

const FONT = { name: 'Arial', size: 16, color: 0xffffffff } as const
/** Ticks of a sample; ffmpeg takes no more than 31 bits. Longer ones are written as several. */
const TICKS_MAX = 2 ** 31 - 1

/** One file with a text track for each list of samples, which follow one another without a gap from 0 on. `timescale`: see `textTimescale`. */
export function textMp4(tracks: readonly (readonly Sample[])[], timescale: number): Buffer {
  const media = tracks.map((samples) => mediaOf(samples, timescale))
  const ftyp = box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1'))
  let at = ftyp.length + 8
  const traks = media.map((track, number) => {
    const trak = trakBox({ ...track, timescale, id: number + 1, at })
    at += track.data.length
    return trak
  })
  const moov = box('moov', mvhd(Math.max(...media.map(({ ticks }) => ticks)), timescale, tracks.length + 1), ...traks)
  return Buffer.concat([ftyp, box('mdat', ...media.map(({ data }) => data)), moov])
}

interface Media {
  readonly data: Buffer
  readonly sizes: readonly number[]
  readonly durations: readonly number[]
  /** Of the whole track. */
  readonly ticks: number
}

function mediaOf(samples: readonly Sample[], timescale: number): Media {
  const parts: Buffer[] = []
  const durations: number[] = []
  for (const sample of samples) {
    const bytes = sampleBytes(sample)
    for (let left = ((sample.end - sample.start) * timescale) / 1000; left > 0; left -= TICKS_MAX) {
      parts.push(bytes)
      durations.push(Math.min(left, TICKS_MAX))
    }
  }
  const ticks = durations.reduce((sum, duration) => sum + duration, 0)
  return { data: Buffer.concat(parts), sizes: parts.map(({ length }) => length), durations, ticks }
}

/** The text with its length, and its styles where it has any. */
export function sampleBytes({ text, styles }: Pick<Sample, 'text' | 'styles'>): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const styl = styles.length === 0 ? [] : [box('styl', uint16(styles.length), ...styles.map(styleRecord))]
  return Buffer.concat([uint16(bytes.length), bytes, ...styl])
}

const styleRecord = ({ from, to, face, size, color }: StyleRun): Buffer =>
  Buffer.concat([
    uint16(from, to, 1),
    styleOf({ face, size: Math.max(1, Math.min(127, Math.round((FONT.size * size) / 100))), color }),
  ])

const styleOf = ({ face, size, color }: { face: number; size: number; color: number }): Buffer =>
  Buffer.concat([Buffer.from([face, size]), uint32(color)])

interface TrakJob extends Media {
  readonly timescale: number
  readonly id: number
  /** Where its samples begin in the file. */
  readonly at: number
}

function trakBox({ sizes, durations, ticks, timescale, id, at }: TrakJob): Buffer {
  const stbl = box('stbl',
    full('stsd', uint32(1), sampleEntry()),
    full('stts', table(runsOf(durations))),
    full('stsc', uint32(1, 1, sizes.length, 1)),
    full('stsz', uint32(0), table(sizes.map((size) => [size]))),
    full('stco', uint32(1, at)),
  ) // biome-ignore format: groups
  const dinf = box('dinf', full('dref', uint32(1), box('url ', uint32(1))))
  const minf = box('minf', full('nmhd'), dinf, stbl)
  const hdlr = full('hdlr', uint32(0), Buffer.from('sbtl'), uint32(0, 0, 0), Buffer.from('\0'))
  // Language `und`, as three letters of five bits.
  const mdia = box('mdia', long('mdhd', uint64(0, 0), uint32(timescale), uint64(ticks), uint16(0x55c4, 0)), hdlr, minf)
  const tkhd = long(
    'tkhd',
    uint64(0, 0),
    uint32(id, 0),
    uint64(ticks),
    uint32(0, 0),
    uint16(0, 0, 0, 0),
    MATRIX,
    uint32(0, 0),
  )
  return box('trak', tkhd, mdia)
}

/** The look of text without a style of its own: centred at the bottom, white. */
function sampleEntry(): Buffer {
  const justification = Buffer.from([1, 0xff])
  const font = Buffer.from(FONT.name)
  return box('tx3g',
    uint16(0, 0, 0, 1), uint32(0), justification, uint32(0), uint16(0, 0, 0, 0),
    uint16(0, 0, 1), styleOf({ face: 0, size: FONT.size, color: FONT.color }),
    box('ftab', uint16(1, 1), Buffer.from([font.length]), font),
  ) // biome-ignore format: groups
}

/** Equal values that follow one another, as count and value. */
function runsOf(values: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const value of values) {
    const last = runs.at(-1)
    if (last && last[1] === value) last[0]++
    else runs.push([1, value])
  }
  return runs
}

/** A table of a box: the number of its entries, and the numbers of each. */
const table = (entries: readonly (readonly number[])[]): Buffer => words([entries.length].concat(entries.flat()))

const MATRIX = uint32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

const mvhd = (ticks: number, timescale: number, nextTrack: number): Buffer =>
  long(
    'mvhd',
    uint64(0, 0),
    uint32(timescale),
    uint64(ticks),
    uint32(0x10000),
    uint16(0x100, 0),
    uint32(0, 0),
    MATRIX,
    uint32(0, 0, 0, 0, 0, 0, nextTrack),
  )

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([uint32(body.length + 8), Buffer.from(type, 'latin1'), body])
}

const full = (type: string, ...parts: readonly Buffer[]): Buffer => box(type, uint32(0), ...parts)
/** Version 1, with times of 64 bits; flags 1: an enabled track, in the track header. */
const long = (type: string, ...parts: readonly Buffer[]): Buffer => box(type, uint32(0x0100_0001), ...parts)

function uint16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, 2 * at)
  return bytes
}

function uint32(...values: readonly number[]): Buffer {
  return words(values)
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at)
  return bytes
}

function uint64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [at, value] of values.entries()) bytes.writeBigUInt64BE(BigInt(value), 8 * at)
  return bytes
}
