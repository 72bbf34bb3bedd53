/**
 * Reads a fragmented MP4 that ffmpeg is writing: samples of all its tracks, as far as they are in the file. Each call goes on where the one before
 * ended. What is not there whole yet is left for the next call. `Mp4Broken` is thrown on anything that ffmpeg does not write. ISO/IEC 14496-12.
 */
import type { FileHandle } from 'node:fs/promises'
import {
  type Box,
  children,
  editOffset,
  Mp4Broken,
  movieTimescale,
  need,
  readTrack,
  type Track,
  tryFind,
} from './mp4.ts'

/** A sample of a growing file. */
export interface GrowingSample {
  /** When it is heard or shown, ticks of its track. */
  readonly time: number
  /** Ticks. */
  readonly duration: number
  /** Position in the file, and length, bytes. */
  readonly offset: number
  readonly bytes: number
}

/** A track of a growing file. Its tables of samples are empty. */
export interface GrowingTrack {
  readonly track: Track
  /** Number of the track in the boxes. */
  readonly id: number
  /** Ticks that the edit list adds to times. */
  readonly offset: number
  readonly defaults: Defaults
}

/** Of samples for which nothing else is said: ticks, bytes. */
interface Defaults {
  readonly duration: number
  readonly bytes: number
}

/** Bound of the boxes that are read whole: those of a fragment of a second are a few KB. */
const BOX_BYTES_MAX = 16 * 1024 * 1024
/** Flags of `tfhd` and `trun`, with the bytes of the fields that they announce, in the order of the fields. */
const TFHD = { base: 0x01, entry: 0x02, duration: 0x08, bytes: 0x10, flags: 0x20 }
const TRUN = { position: 0x01, first: 0x04, duration: 0x100, bytes: 0x200, flags: 0x400, shift: 0x800 }

/** One growing file. */
export class GrowingMp4 {
  readonly #handle: FileHandle
  #at = 0
  #tracks: readonly GrowingTrack[] = []

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Tracks in the order of the file; none before its head is written. */
  get tracks(): readonly GrowingTrack[] {
    return this.#tracks
  }

  /** Calls `take` with every sample that is there since the last call, `track` by its place. Rejects with `Mp4Broken`, or with the error of the file system. */
  async read(take: (track: number, sample: GrowingSample) => void): Promise<void> {
    const { size } = await this.#handle.stat()
    for (;;) {
      const box = await this.#boxAt(this.#at, size)
      if (box === null) return
      const end = this.#at + box.length
      if (box.type === 'moov') this.#readHead(await this.#bodyOf(this.#at, box.length))
      if (box.type !== 'moof') {
        this.#at = end
        continue
      }
      // Its samples lie in the box behind it.
      const data = await this.#boxAt(end, size)
      if (data === null) return
      this.#readFragment(await this.#bodyOf(this.#at, box.length), { start: this.#at, end: end + data.length }, take)
      this.#at = end + data.length
    }
  }

  /** Type and bytes of the box at a position; null where it is not there whole. */
  async #boxAt(at: number, size: number): Promise<{ type: string; length: number } | null> {
    if (at + 8 > size) return null
    const head = Buffer.alloc(8)
    await this.#handle.read(head, 0, 8, at)
    const length = head.readUInt32BE(0)
    if (length < 8) throw new Mp4Broken('a box of a growing file has no length')
    return at + length > size ? null : { type: head.toString('latin1', 4, 8), length }
  }

  async #bodyOf(at: number, length: number): Promise<Buffer> {
    if (length > BOX_BYTES_MAX) throw new Mp4Broken('a box is too large')
    const body = Buffer.alloc(length - 8)
    await this.#handle.read(body, 0, body.length, at + 8)
    return body
  }

  #readHead(moov: Buffer): void {
    const movieScale = movieTimescale(moov)
    const extends_ = children(need(moov, 'mvex')).filter(({ type }) => type === 'trex')
    this.#tracks = children(moov)
      .filter(({ type }) => type === 'trak')
      .map(({ body }) => {
        const track = readTrack(body, { movieScale, fileBytes: 0, bytesLeft: 0 })
        const id = idOf(need(body, 'tkhd'))
        const offset = editOffset(tryFind(body, 'edts/elst'), track.timescale, movieScale)
        return { track, id, offset, defaults: defaultsOf(extends_, id) }
      })
  }

  #readFragment(
    moof: Buffer,
    range: { readonly start: number; readonly end: number },
    take: (track: number, sample: GrowingSample) => void,
  ): void {
    for (const { type, body } of children(moof)) {
      if (type !== 'traf') continue
      const header = need(body, 'tfhd')
      const place = this.#tracks.findIndex(({ id }) => id === header.readUInt32BE(4))
      const track = this.#tracks[place]
      if (!track) throw new Mp4Broken('a fragment of an unknown track')
      const defaults = fragmentDefaults(header, track.defaults)
      let time = Number(need(body, 'tfdt').readBigUInt64BE(4)) + track.offset
      for (const run of children(body).filter((box) => box.type === 'trun')) {
        time = readRun(run.body, { time, defaults, ...range }, (sample) => take(place, sample))
      }
    }
  }
}

/** The number of a track, by its header. */
const idOf = (tkhd: Buffer): number => tkhd.readUInt32BE(tkhd[0] === 1 ? 20 : 12)

function defaultsOf(boxes: readonly Box[], id: number): Defaults {
  const trex = boxes.find(({ body }) => body.readUInt32BE(4) === id)?.body
  return trex ? { duration: trex.readUInt32BE(12), bytes: trex.readUInt32BE(16) } : { duration: 0, bytes: 0 }
}

function fragmentDefaults(tfhd: Buffer, defaults: Defaults): Defaults {
  const flags = tfhd.readUIntBE(1, 3)
  let at = 8 + (flags & TFHD.base ? 8 : 0) + (flags & TFHD.entry ? 4 : 0)
  let { duration, bytes } = defaults
  if (flags & TFHD.duration) {
    duration = tfhd.readUInt32BE(at)
    at += 4
  }
  if (flags & TFHD.bytes) bytes = tfhd.readUInt32BE(at)
  return { duration, bytes }
}

/** Reads one run of samples; answers the time behind it. Positions count from the beginning of the `moof`. */
function readRun(
  trun: Buffer,
  of: { readonly time: number; readonly defaults: Defaults; readonly start: number; readonly end: number },
  take: (sample: GrowingSample) => void,
): number {
  const flags = trun.readUIntBE(1, 3)
  if (!(flags & TRUN.position)) throw new Mp4Broken('a run of samples without a position')
  let at = 12 + (flags & TRUN.first ? 4 : 0)
  let [time, offset] = [of.time, of.start + trun.readInt32BE(8)]
  const next = (flag: number): number | null => {
    if (!(flags & flag)) return null
    at += 4
    return trun.readInt32BE(at - 4)
  }
  for (let left = trun.readUInt32BE(4); left > 0; left--) {
    const duration = next(TRUN.duration) ?? of.defaults.duration
    const bytes = next(TRUN.bytes) ?? of.defaults.bytes
    next(TRUN.flags)
    const shift = next(TRUN.shift) ?? 0
    if (bytes < 0 || offset + bytes > of.end) throw new Mp4Broken('a sample lies outside of its fragment')
    take({ time: time + shift, duration, offset, bytes })
    time += duration
    offset += bytes
  }
  return time
}
