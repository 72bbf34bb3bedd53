/** Reads where everything lies in the file of a track: what `writeTrack` writes. */
import { type Bytes, Mp4Broken } from '../mp4.ts'
import { inBlocks } from './growing-track.ts'

/** Where a segment lies in the file, and its time. */
export interface IndexedRange {
  /** Position of its first byte, bytes. */
  readonly offset: number
  readonly bytes: number
  /** Ticks. */
  readonly start: number
  /** Ticks. */
  readonly duration: number
}

/** The index of a track. */
export interface TrackIndex {
  /** Bytes of the beginning, which initialises a decoder. */
  readonly init: number
  /** Ticks per second. */
  readonly timescale: number
  readonly segments: readonly IndexedRange[]
}

/** Largest index that is read: a million segments. */
const INDEX_BYTES_MAX = 12 * 1_000_000

/** Reads the index of the segments, behind the boxes that initialise a decoder. Rejects with `Mp4Broken`, and as the bytes do. */
export async function readTrackIndex(bytes: Bytes): Promise<TrackIndex> {
  const { size, read } = inBlocks(bytes)
  const head = Buffer.alloc(8)
  for (let at = 0; at + 8 <= size; ) {
    await read(head, at)
    const length = head.readUInt32BE(0)
    if (length < 8 || at + length > size) throw new Mp4Broken('the file is cut off')
    if (head.toString('latin1', 4) === 'sidx') {
      if (length > INDEX_BYTES_MAX) throw new Mp4Broken('the index is too large')
      const index = Buffer.alloc(length - 8)
      await read(index, at + 8)
      return { init: at, ...segmentsOf(index, at + length) }
    }
    at += length
  }
  throw new Mp4Broken('no index of segments')
}

/** The body of a `sidx` box of version 1, and where its first segment lies. */
function segmentsOf(index: Buffer, from: number): Omit<TrackIndex, 'init'> {
  const count = index.readUInt16BE(30)
  if (index.length < 32 + 12 * count) throw new Mp4Broken('the index is cut off')
  let [offset, start] = [from, Number(index.readBigUInt64BE(12))]
  const segments = Array.from({ length: count }, (_, at) => {
    const [bytes, duration] = [index.readUInt32BE(32 + 12 * at), index.readUInt32BE(36 + 12 * at)]
    const segment = { offset, bytes, start, duration }
    offset += bytes
    start += duration
    return segment
  })
  return { timescale: index.readUInt32BE(8), segments }
}
