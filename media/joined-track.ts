/** The samples of files behind one another as one track, with the tables that ffmpeg's merge makes of them. Pure. ISO/IEC 14496-12. */
import { changedBox, whole } from './change-box.ts'
import { type Box, children, decodeTimes, editOffset, need, type Track, tryFind } from './mp4.ts'
import { fullBox, u32, u32s } from './package/box.ts'

/** One file of a track. */
export interface Piece {
  /** The body of its `trak` box: headers and edit list of version 0, one edit at most. */
  readonly trak: Buffer
  readonly track: Track
  /** When its first picture is shown, ticks of the track. */
  readonly begins: number
}

/** What they are together. */
export interface JoinedTrack extends Pick<Track, 'sizes' | 'duration' | 'timescale'> {
  /** The body of its `trak`, with the positions of the first file. */
  readonly trak: Buffer
}

/** The path of the sample table in a `trak`. */
export const SAMPLE_TABLE = ['mdia', 'minf', 'stbl']
/** The boxes of a sample table that are joined, in the order in which they are written. */
const TABLES = ['stsd', 'stts', 'stss', 'sdtp', 'ctts', 'stsc', 'stsz', 'stco']
/** Where version 0 headers have the duration, bytes. */
export const DURATION_AT = { tkhd: 20, mdhd: 16, elst: 8 }
/** `sample_depends_on` of a sample on which nothing is known to depend or not: a keyframe, another one. */
const [KEY, NOT_KEY] = [0x20, 0x10]

/**
 * The pieces in order as one track; null where they have other boxes than ffmpeg writes, or are not decoded one after another. `movieScale`: ticks per second of
 * the movie's header. Throws `Mp4Broken`.
 */
export function joinTracks(pieces: readonly Piece[], movieScale: number): JoinedTrack | null {
  const [first] = pieces
  if (first === undefined) return null
  if (pieces.length === 1) return { ...first.track, trak: first.trak }
  const stbls = pieces.map(({ trak }) => children(need(trak, SAMPLE_TABLE.join('/'))))
  if (stbls.some((boxes) => boxes.some(({ type }) => !TABLES.includes(type)))) return null
  if (pieces.some(({ track }) => track.sizes.length === 0)) return null
  const shown = pieces.flatMap(({ track, begins }) => [...track.times].map((time) => time + begins))
  const { decoded, last } = decodedOf(pieces, movieScale)
  const end = decoded.at(-1)! + last
  const durations = decoded.map((time, at) => (decoded[at + 1] ?? end) - time)
  // Before the first picture is shown, so many ticks are decoded: what its edit list takes off.
  const delay = -decoded[0]!
  const offsets = shown.map((time, at) => time - decoded[at]!)
  if (durations.some((ticks) => ticks <= 0) || offsets.some((ticks) => ticks < 0)) return null
  const sizes = Uint32Array.from(pieces.flatMap(({ track }) => [...track.sizes]))
  const keys = pieces.map(({ track }) => keysOf(track))
  const tables: Readonly<Record<string, Buffer | null>> = {
    stts: runs('stts', durations),
    stss: keyframesOf(keys.flat()),
    sdtp: dependenciesOf(keys, stbls),
    ctts: offsets.every((ticks) => ticks === 0) ? null : runs('ctts', offsets),
    stsz: fullBox('stsz', 0, 0, u32s([0, sizes.length, ...sizes])),
  }
  const shownEnd = shown.reduce((latest, time, at) => Math.max(latest, time + durations[at]!), 0)
  const movieTicks = Math.ceil((shownEnd * movieScale) / first.track.timescale)
  let trak = changedBox(first.trak, SAMPLE_TABLE, (stbl) => joined(children(stbl), tables))
  trak = withDuration(trak, ['tkhd'], movieTicks)
  trak = withDuration(trak, ['mdia', 'mdhd'], end + delay)
  trak = withDuration(trak, ['edts', 'elst'], movieTicks)
  return { trak, sizes, duration: end + delay, timescale: first.track.timescale }
}

/** When each sample is decoded, ticks from the first picture shown, and how long the last one is. */
function decodedOf(pieces: readonly Piece[], movieScale: number): { decoded: number[]; last: number } {
  const decoded: number[] = []
  let last = 0
  for (const { trak, track, begins } of pieces) {
    const { times, duration } = decodeTimes(need(trak, 'mdia/minf/stbl/stts'), track.sizes.length)
    const offset = begins + editOffset(tryFind(trak, 'edts/elst'), track.timescale, movieScale)
    for (const time of times) decoded.push(time + offset)
    last = duration - times.at(-1)!
  }
  return { decoded, last }
}

/** A table of how often which value follows. */
function runs(type: string, values: readonly number[]): Buffer {
  const found: { count: number; readonly value: number }[] = []
  for (const value of values) {
    const run = found.at(-1)
    if (run?.value === value) run.count++
    else found.push({ count: 1, value })
  }
  return fullBox(type, 0, 0, u32(found.length), u32s(found.flatMap(({ count, value }) => [count, value])))
}

/** Of each sample whether it is a keyframe. */
function keysOf({ keyframes, sizes }: Track): boolean[] {
  const keys = keyframes && new Set(keyframes)
  return Array.from(sizes, (_, sample) => keys?.has(sample) ?? true)
}

/** The table of keyframes; null where all samples are. */
function keyframesOf(keys: readonly boolean[]): Buffer | null {
  if (!keys.includes(false)) return null
  const numbers = [...keys.keys()].filter((at) => keys[at]).map((at) => at + 1)
  return fullBox('stss', 0, 0, u32s([numbers.length, ...numbers]))
}

/** Which samples others depend on; null where no file says it. `keys`: of each sample of each file whether it is a keyframe. */
function dependenciesOf(keys: readonly boolean[][], stbls: readonly Box[][]): Buffer | null {
  const said = stbls.map((boxes) => boxes.find(({ type }) => type === 'sdtp')?.body.subarray(4))
  const isWhole = (bytes: Buffer | undefined, at: number) => bytes?.length === keys[at]!.length
  if (!said.some(isWhole)) return null
  const unsaid = (own: readonly boolean[]) => Buffer.from(own.map((isKey) => (isKey ? KEY : NOT_KEY)))
  return fullBox('sdtp', 0, 0, ...keys.map((own, at) => (isWhole(said[at], at) ? said[at]! : unsaid(own))))
}

function joined(boxes: readonly Box[], tables: Readonly<Record<string, Buffer | null>>): Buffer {
  const bytes = TABLES.map((type) => {
    const own = boxes.find((each) => each.type === type)
    return type in tables ? tables[type] : own && whole(own)
  })
  return Buffer.concat(bytes.filter((each) => each != null))
}

const withDuration = (trak: Buffer, path: readonly string[], ticks: number): Buffer =>
  changedBox(trak, path, (body) => {
    const changed = Buffer.from(body)
    changed.writeUInt32BE(ticks, DURATION_AT[path.at(-1) as keyof typeof DURATION_AT])
    return changed
  })
