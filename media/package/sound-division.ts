/**
 * How a track of sound is divided into fragments and segments, from its samples as they come: of a finished file, or of one that ffmpeg is writing.
 * Pure. A segment is answered once no later sample can change it.
 */
import type { Track } from '../mp4.ts'
import type { FragmentSample } from './fragment.ts'
import { type Fragment, fragmentOf, SEGMENT_S, TAIL_S } from './layout.ts'

/** A segment: its fragments, at least one. */
export type SoundSegment = readonly Fragment[]

/** The division of one track. Samples are given in order; times are ticks of the track as they are heard. */
export class SoundDivision {
  readonly #timescale: number
  /** How much later than they are heard the times in fragments lie, ticks; null until the first sample is known that is heard. */
  #delay: number | null = null
  /** Samples of the next fragment, and the number of the first of them. */
  #samples: FragmentSample[] = []
  #from = 0
  #fragments = 0
  /** Fragments of the next segment. */
  #next: Fragment[] = []
  /** A segment of full length, to which a short end may still belong. */
  #full: SoundSegment | null = null

  constructor(timescale: number) {
    this.#timescale = timescale
  }

  get delay(): number {
    return this.#delay ?? 0
  }

  /** Adds a sample; answers the segment that it shows to be complete. */
  add(time: number, bytes: number): SoundSegment | null {
    if (this.#delay === null && this.#samples.length > 0 && time <= 0) {
      // What an encoder put before the first sample that is heard is left out.
      this.#samples = []
      this.#from++
    }
    let full: SoundSegment | null = null
    if (this.#samples.length > 0) {
      this.#begin()
      full = this.#fullBefore(time)
      if (time >= (this.#fragments + 1) * SEGMENT_S * this.#timescale) this.#endFragment(time)
    }
    this.#samples.push({ time, bytes, isKey: true })
    return full
  }

  /** The segments that are left where the track ends, at `time`. */
  end(time: number): SoundSegment[] {
    if (this.#delay === null && time <= 0) this.#samples = []
    if (this.#samples.length === 0) return []
    this.#begin()
    const before = this.#fullBefore(time)
    this.#endFragment(time)
    const [full, rest] = [this.#full, this.#next]
    // What is left is short where a full segment lies before it.
    const last = full ? [[...full, ...rest]] : [rest]
    return before ? [before, ...last] : last
  }

  #begin(): void {
    this.#delay ??= Math.max(0, -this.#samples[0]!.time)
  }

  /** Ends the fragment of the samples so far: the next one begins at `time`. */
  #endFragment(time: number): void {
    const samples = this.#samples.map((sample) => ({ ...sample, time: sample.time + this.delay }))
    this.#fragments++
    const of = { file: 0, from: this.#from, end: this.delay + time, delay: 0, sequence: this.#fragments }
    this.#next.push(fragmentOf(samples, of))
    this.#from += samples.length
    this.#samples = []
    if (this.#seconds(this.#next) < SEGMENT_S - TAIL_S) return
    this.#full = this.#next
    this.#next = []
  }

  /** The segment of full length, once what lies behind it until `time` is a segment of its own. */
  #fullBefore(time: number): SoundSegment | null {
    const full = this.#full
    if (full === null || (time + this.delay - full.at(-1)!.end) / this.#timescale < SEGMENT_S / 2) return null
    this.#full = null
    return full
  }

  #seconds(fragments: SoundSegment): number {
    return (fragments.at(-1)!.end - fragments[0]!.start) / this.#timescale
  }
}

/** A track of sound, divided. `delay`: how much later than they are heard the times in its fragments lie, ticks. */
export interface DividedSound {
  readonly segments: readonly SoundSegment[]
  readonly delay: number
}

/** Divides a finished track. */
export function divideSound({
  times,
  sizes,
  timescale,
  duration,
}: Pick<Track, 'times' | 'sizes' | 'timescale' | 'duration'>): DividedSound {
  const division = new SoundDivision(timescale)
  const segments: SoundSegment[] = []
  for (const [at, time] of times.entries()) {
    const segment = division.add(time, sizes[at]!)
    if (segment) segments.push(segment)
  }
  segments.push(...division.end((times[0] ?? 0) + duration))
  return { segments, delay: division.delay }
}
