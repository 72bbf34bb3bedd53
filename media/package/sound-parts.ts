/**
 * Cuts parts out of the sound that ffmpeg is writing: the segments that the package will have, to the byte, as soon as nothing can change them. Parts
 * do not depend on when the file is read.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { MadeSoundPart } from '../../protocol/media.ts'
import { type SoundPartFacts, segmentsFrom } from '../../protocol/sound-part.ts'
import { GrowingMp4, type GrowingSample, type GrowingTrack } from '../mp4-fragments.ts'
import { readStretch, stretchesOf } from '../sample-bytes.ts'
import { canStream } from './entry.ts'
import { initOf } from './init.ts'
import { SoundDivision, type SoundSegment } from './sound-division.ts'
import { soundHead } from './sound-head.ts'

/** The parts of one growing file. */
export class SoundParts {
  readonly #handle: FileHandle
  readonly #dir: string
  readonly #growing: GrowingMp4
  readonly #tracks: PartedTrack[] = []

  private constructor(handle: FileHandle, dir: string) {
    this.#handle = handle
    this.#dir = dir
    this.#growing = new GrowingMp4(handle)
  }

  /** Opens a file that is being written; its parts are written into `dir`. Rejects with the error of the file system. */
  static async open(path: string, dir: string): Promise<SoundParts> {
    return new SoundParts(await open(path, 'r'), dir)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  /**
   * Writes the parts that are complete since the last call, in the order of each track. `isEnded`: the file is whole, so that its last segments are
   * complete too. Rejects with `Mp4Broken`, `AttemptFailed` or the error of the file system.
   */
  async next(isEnded = false): Promise<MadeSoundPart[]> {
    await this.#growing.read((place, sample) => this.#track(place).add(sample))
    const made: MadeSoundPart[] = []
    for (const track of this.#tracks) {
      if (isEnded) track.end()
      for (let part = track.take(isEnded); part !== null; part = track.take(isEnded)) made.push(await this.#write(part))
    }
    return made
  }

  #track(place: number): PartedTrack {
    for (let at = this.#tracks.length; at <= place; at++)
      this.#tracks.push(new PartedTrack(this.#growing.tracks[at]!, at + 1))
    return this.#tracks[place]!
  }

  async #write({ sound, head, segments, samples }: CutPart): Promise<MadeSoundPart> {
    const path = join(this.#dir, `sound-${sound.track}-${sound.part}`)
    const to = await open(path, 'w')
    try {
      await to.write(head)
      for (const { head: own, from, to: end } of segments.flat()) {
        await to.write(own)
        for (const stretch of stretchesOf(samples, from - samples.from, end - samples.from))
          await readStretch(this.#handle, stretch, (bytes) => to.write(bytes))
      }
    } finally {
      await to.close()
    }
    return { path, sound }
  }
}

/** Where samples lie in the growing file, from the sample of number `from` on. */
interface Samples {
  readonly from: number
  readonly offsets: Float64Array
  readonly sizes: Uint32Array
}

interface CutPart {
  readonly sound: SoundPartFacts
  readonly head: Buffer
  readonly segments: readonly SoundSegment[]
  readonly samples: Samples
}

/** One track of the growing file. */
class PartedTrack {
  readonly #growing: GrowingTrack
  readonly #number: number
  readonly #isParted: boolean
  readonly #division: SoundDivision
  /** Samples that are in no part yet, and the number of the first. */
  #samples: GrowingSample[] = []
  #from = 0
  /** Complete segments that are in no part yet. */
  #segments: SoundSegment[] = []
  /** Segments and parts so far. */
  #taken = 0
  #parts = 0

  constructor(growing: GrowingTrack, number: number) {
    this.#growing = growing
    this.#number = number
    this.#isParted = canStream(growing.track)
    this.#division = new SoundDivision(growing.track.timescale)
  }

  add(sample: GrowingSample): void {
    if (!this.#isParted) return
    this.#samples.push(sample)
    const segment = this.#division.add(sample.time, sample.bytes)
    if (segment) this.#segments.push(segment)
  }

  end(): void {
    const last = this.#samples.at(-1)
    if (last) this.#segments.push(...this.#division.end(last.time + last.duration))
  }

  /** The next part; null where it is not complete. `isLast`: what is left is one. */
  take(isLast: boolean): CutPart | null {
    const count = segmentsFrom(this.#taken)
    if (this.#segments.length < (isLast ? 1 : count)) return null
    const segments = this.#segments.splice(0, count)
    const end = segments.at(-1)!.at(-1)!.to
    const samples = this.#samples.splice(0, end - this.#from)
    const cut = { from: this.#from, ...tablesOf(samples) }
    this.#from = end
    this.#taken += segments.length
    this.#parts++
    const { head, codecs } = soundHead(this.#growing.track, this.#division.delay)
    const init = this.#parts === 1 ? initOf(head) : Buffer.alloc(0)
    const sound = {
      track: this.#number,
      part: this.#parts,
      codecs,
      timescale: head.timescale,
      init: init.length,
      start: segments[0]![0]!.start,
      segments: segments.map(shapeOf),
    }
    return { sound, head: init, segments, samples: cut }
  }
}

const tablesOf = (samples: readonly GrowingSample[]) => ({
  offsets: Float64Array.from(samples, ({ offset }) => offset),
  sizes: Uint32Array.from(samples, ({ bytes }) => bytes),
})

const shapeOf = (segment: SoundSegment): [bytes: number, duration: number] => [
  segment.reduce((sum, { bytes }) => sum + bytes, 0),
  segment.at(-1)!.end - segment[0]!.start,
]
