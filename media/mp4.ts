/**
 * A small reader of the MP4 files that ffmpeg writes here, so that a result is verified without another process. Not for users' files: it reads no fragments and no external data.
 *
 * Results may come from a faulty or hostile peer. No count of a table is followed further than its box or the file can hold, and
 * every sample lies within the file. `Mp4Broken` is thrown on anything that ffmpeg does not write, and on a picture of a codec that
 * this version does not know: what cannot be read cannot be compared. ISO/IEC 14496-12 (boxes).
 */
import { type FileHandle, open } from 'node:fs/promises'
import { plainEntry, VISUAL_ENTRY_BYTES } from './boxes.ts'
import { codecOfEntry } from './codecs/codecs.ts'

/** The file is cut off, damaged, or not what ffmpeg writes; the message is the reason, without the file's name. */
export class Mp4Broken extends Error {}

/** One track, with one entry of `times`, `sizes` and `offsets` for each sample, in decode order. */
export interface Track {
  readonly kind: 'video' | 'audio' | 'text' | 'other'
  /** Ticks per second. */
  readonly timescale: number
  /** ISO 639-2/T, `und` where there is none. */
  readonly language: string
  readonly width: number
  readonly height: number
  /** The nine numbers of the track header's matrix. */
  readonly matrix: readonly number[]
  /** The four letters of the sample entry: `avc1`, `hvc1`, `mp4a`, `tx3g`. */
  readonly entry: string
  /** The body of the sample entry. */
  readonly description: Buffer
  /** Parameter sets of the decoder configuration, in order: at least one for video, none for other tracks. */
  readonly parameterSets: readonly Buffer[]
  /** The body of the box that configures a decoder of the picture; empty for other tracks. */
  readonly configuration: Buffer
  /** Presentation times in decode order, in ticks of `timescale`, after the edit list. */
  readonly times: Float64Array
  /** Sum of all sample durations, in ticks of `timescale`. */
  readonly duration: number
  /** Bytes of each sample. */
  readonly sizes: Uint32Array
  /** Position of each sample in the file, bytes. `offsets[i] + sizes[i]` is never beyond the end of the file. */
  readonly offsets: Float64Array
  /** Samples that are keyframes, by number from 0; null where all are. */
  readonly keyframes: Uint32Array | null
}

/** Bound of a `moov`: 20 hours at 120 fps with sound take a tenth of it. */
const MOOV_BYTES_MAX = 1024 * 1024 * 1024

/** Tracks in the order of the file. Rejects with `Mp4Broken`, or with the error of the file system. */
export async function readMp4(path: string): Promise<Track[]> {
  const handle = await open(path, 'r')
  try {
    return await readTracks(await bytesOfFile(handle))
  } finally {
    await handle.close()
  }
}

/** Bytes that are read by range: of an open file, or of a blob that lies elsewhere. */
export interface Bytes {
  /** Number of bytes. */
  readonly size: number
  /** Fills the buffer from this position on, as far as there are bytes. */
  read(into: Buffer, position: number): Promise<unknown>
}

const bytesOfFile = async (handle: FileHandle): Promise<Bytes> => ({
  size: (await handle.stat()).size,
  read: (into, position) => handle.read(into, 0, into.length, position),
})

/** Tracks of bytes, wherever these lie, in their order. Rejects with `Mp4Broken`, and as they do. */
export async function readTracks(bytes: Bytes): Promise<Track[]> {
  try {
    const { body: moov } = await findMoov(bytes)
    const movieScale = movieTimescale(moov)
    const tracks: Track[] = []
    // ffmpeg stores no byte for two samples, so that all samples together are no larger than the file.
    let bytesLeft = bytes.size
    for (const trak of children(moov).filter(({ type }) => type === 'trak')) {
      const track = readTrack(trak.body, { movieScale, fileBytes: bytes.size, bytesLeft })
      bytesLeft -= track.sizes.reduce((sum, each) => sum + each, 0)
      tracks.push(track)
    }
    return tracks
  } catch (error) {
    if (error instanceof RangeError) throw new Mp4Broken('a box is cut off', { cause: error })
    throw error
  }
}

/** A box of an MP4; `body` is a view into the bytes that it was read from. */
export interface Box {
  readonly type: string
  readonly body: Buffer
}

/** The `moov` box of an open file, and where its body starts in it, bytes. Rejects with `Mp4Broken`. */
export const readMoov = async (handle: FileHandle): Promise<{ body: Buffer; start: number }> =>
  findMoov(await bytesOfFile(handle))

async function findMoov({ size, read }: Bytes): Promise<{ body: Buffer; start: number }> {
  const head = Buffer.alloc(16)
  for (let at = 0; at + 8 <= size; ) {
    await read(head, at)
    const short = head.readUInt32BE(0)
    const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? size - at : short
    const skip = short === 1 ? 16 : 8
    if (length < skip || at + length > size) throw new Mp4Broken('the file is cut off')
    if (head.toString('latin1', 4, 8) === 'moov') {
      if (length > MOOV_BYTES_MAX) throw new Mp4Broken('the index is too large')
      const body = Buffer.alloc(length - skip)
      await read(body, at + skip)
      return { body, start: at + skip }
    }
    at += length
  }
  throw new Mp4Broken('no moov box')
}

/** The boxes in a body. Throws `Mp4Broken` where one is longer than the body. */
export function children(body: Buffer): Box[] {
  const boxes: Box[] = []
  for (let at = 0; at + 8 <= body.length; ) {
    const length = body.readUInt32BE(at)
    if (length < 8 || at + length > body.length) throw new Mp4Broken('a box is longer than its parent')
    boxes.push({ type: body.toString('latin1', at + 4, at + 8), body: body.subarray(at + 8, at + length) })
    at += length
  }
  return boxes
}

/** The body of the box at a path, the first of each name; undefined where there is none. Throws `Mp4Broken`. */
export function tryFind(body: Buffer, path: string): Buffer | undefined {
  let at: Buffer | undefined = body
  for (const type of path.split('/')) at = at && children(at).find((box) => box.type === type)?.body
  return at
}

/** The body of the box at a path such as `trak/tkhd`, the first of each name. Throws `Mp4Broken` where there is none. */
export function need(body: Buffer, path: string): Buffer {
  const found = tryFind(body, path)
  if (!found) throw new Mp4Broken(`no ${path} box`)
  return found
}

/** Ticks per second of a movie. Throws `Mp4Broken`. */
export const movieTimescale = (moov: Buffer): number => {
  const mvhd = need(moov, 'mvhd')
  return mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12)
}

const KINDS: Readonly<Record<string, Track['kind']>> = {
  vide: 'video',
  soun: 'audio',
  sbtl: 'text',
  text: 'text',
  subt: 'text',
}

/** Where samples may lie. */
export interface FileBounds {
  /** Ticks per second of the movie's header. */
  readonly movieScale: number
  readonly fileBytes: number
  /** Bytes that the samples of this track may have: those of the file without the samples of earlier tracks. */
  readonly bytesLeft: number
}

/** A track by its boxes. Throws `Mp4Broken`. */
export function readTrack(trak: Buffer, { movieScale, fileBytes, bytesLeft }: FileBounds): Track {
  const mdhd = need(trak, 'mdia/mdhd')
  const long = mdhd[0] === 1
  const timescale = mdhd.readUInt32BE(long ? 20 : 12)
  const code = mdhd.readUInt16BE(long ? 32 : 20)
  const stbl = need(trak, 'mdia/minf/stbl')
  const tkhd = need(trak, 'tkhd')
  const matrixAt = tkhd[0] === 1 ? 52 : 40
  const sizes = sampleSizes(need(stbl, 'stsz'), bytesLeft)
  const kind = KINDS[need(trak, 'mdia/hdlr').toString('latin1', 8, 12)] ?? 'other'
  const decode = decodeTimes(need(stbl, 'stts'), sizes.length)
  return {
    kind,
    timescale,
    language: String.fromCharCode(...[10, 5, 0].map((shift) => ((code >> shift) & 31) + 0x60)),
    matrix: Array.from({ length: 9 }, (_, at) => tkhd.readInt32BE(matrixAt + 4 * at)),
    ...sampleEntry(need(stbl, 'stsd'), kind),
    times: presentationTimes(
      decode.times,
      tryFind(stbl, 'ctts'),
      editOffset(tryFind(trak, 'edts/elst'), timescale, movieScale),
    ),
    duration: decode.duration,
    sizes,
    offsets: sampleOffsets(stbl, sizes, fileBytes),
    keyframes: keyframes(tryFind(stbl, 'stss')),
  }
}

/** How far the edit list moves presentation, ticks of the track: an empty edit delays, `media_time` starts later in the media. The scales are ticks per second. */
export function editOffset(elst: Buffer | undefined, timescale: number, movieScale: number): number {
  if (!elst) return 0
  const long = elst[0] === 1
  let offset = 0
  for (let entry = 0, at = 8; entry < elst.readUInt32BE(4); entry++, at += long ? 20 : 12) {
    const length = long ? Number(elst.readBigUInt64BE(at)) : elst.readUInt32BE(at)
    const start = long ? Number(elst.readBigInt64BE(at + 8)) : elst.readInt32BE(at + 4)
    if (start !== -1) return offset - start
    offset += Math.round((length * timescale) / movieScale)
  }
  return offset
}

/** A common size makes a table of any count 12 bytes long: only the file's size bounds that count. */
function sampleSizes(stsz: Buffer, bytesLeft: number): Uint32Array {
  const [common, count] = [stsz.readUInt32BE(4), stsz.readUInt32BE(8)]
  if (common === 0 && stsz.length < 12 + 4 * count) throw new Mp4Broken('the sample sizes are cut off')
  if (common * count > bytesLeft) throw new Mp4Broken('its samples are larger than the file')
  if (common > 0) return new Uint32Array(count).fill(common)
  const sizes = Uint32Array.from({ length: count }, (_, at) => stsz.readUInt32BE(12 + 4 * at))
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > bytesLeft)
    throw new Mp4Broken('its samples are larger than the file')
  return sizes
}

/** When so many samples are decoded, and how long all of them are, ticks from the first. Throws `Mp4Broken`. */
export function decodeTimes(stts: Buffer, count: number): { times: Float64Array; duration: number } {
  const [times, entries] = [new Float64Array(count), stts.readUInt32BE(4)]
  let [sample, time] = [0, 0]
  for (let entry = 0; entry < entries; entry++) {
    const delta = stts.readUInt32BE(12 + 8 * entry)
    for (let left = stts.readUInt32BE(8 + 8 * entry); left > 0 && sample < count; left--, time += delta)
      times[sample++] = time
  }
  if (sample !== count) throw new Mp4Broken('samples without a time')
  return { times, duration: time }
}

function presentationTimes(times: Float64Array, ctts: Buffer | undefined, offset: number): Float64Array {
  let sample = 0
  for (let entry = 0; ctts && entry < ctts.readUInt32BE(4); entry++) {
    const shift = ctts.readInt32BE(12 + 8 * entry)
    for (let left = ctts.readUInt32BE(8 + 8 * entry); left > 0 && sample < times.length; left--)
      times[sample++]! += shift
  }
  return times.map((time) => time + offset)
}

function sampleOffsets(stbl: Buffer, sizes: Uint32Array, fileBytes: number): Float64Array {
  const wide = tryFind(stbl, 'co64')
  const chunks = wide ?? need(stbl, 'stco')
  const stsc = need(stbl, 'stsc')
  const offsets = new Float64Array(sizes.length)
  let [sample, run] = [0, 0]
  for (let chunk = 1; chunk <= chunks.readUInt32BE(4); chunk++) {
    if (run + 1 < stsc.readUInt32BE(4) && chunk >= stsc.readUInt32BE(8 + 12 * (run + 1))) run++
    let at = wide ? Number(wide.readBigUInt64BE(8 * chunk)) : chunks.readUInt32BE(4 + 4 * chunk)
    for (let left = stsc.readUInt32BE(12 + 12 * run); left > 0 && sample < sizes.length; left--) {
      offsets[sample] = at
      at += sizes[sample++]!
      if (at > fileBytes) throw new Mp4Broken('a sample lies beyond the end of the file')
    }
  }
  if (sample !== sizes.length) throw new Mp4Broken('samples without a position')
  return offsets
}

function keyframes(stss: Buffer | undefined): Uint32Array | null {
  if (!stss) return null
  const count = stss.readUInt32BE(4)
  if (stss.length < 8 + 4 * count) throw new Mp4Broken('the list of keyframes is cut off')
  return Uint32Array.from({ length: count }, (_, at) => stss.readUInt32BE(8 + 4 * at) - 1)
}

function sampleEntry(
  stsd: Buffer,
  kind: Track['kind'],
): Pick<Track, 'entry' | 'description' | 'width' | 'height' | 'parameterSets' | 'configuration'> {
  const first = children(stsd.subarray(8))[0]
  if (!first || stsd.readUInt32BE(4) !== 1) throw new Mp4Broken('not exactly one sample description')
  const none = { width: 0, height: 0, parameterSets: [], configuration: Buffer.alloc(0) }
  // A copy: the whole index would stay in memory with it, and with what lies in it.
  const description = Buffer.from(first.body)
  const entry = plainEntry(first, kind === 'video')
  if (kind !== 'video') return { entry, description, ...none }
  const codec = codecOfEntry(entry)
  if (codec === null) throw new Mp4Broken(`unknown codec of the picture: ${JSON.stringify(entry)}`)
  const configuration = need(description.subarray(VISUAL_ENTRY_BYTES), codec.configuration)
  const parameterSets = codec.parameterSets(configuration)
  // They are compared by hash, and the hash of none would be equal for any two files.
  if (parameterSets.length === 0) throw new Mp4Broken(`no parameter sets in the ${codec.configuration} box`)
  return {
    entry,
    description,
    width: first.body.readUInt16BE(24),
    height: first.body.readUInt16BE(26),
    parameterSets,
    configuration,
  }
}
