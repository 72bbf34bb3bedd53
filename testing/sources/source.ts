/**
 * What a nasty source is: how it is made, as data (so that a hash of it names the cached file), and what a right output
 * of it must show. The files of `catalogue/` list them, `make.ts` makes them, `check.ts` holds outputs against them.
 */
import type { Beeps } from './beeps.ts'
import type { Turn } from './tamper.ts'

/** One thing done in the source's own temporary folder. Files are named relative to it. */
export type Step =
  /** Painted frames on ffmpeg's stdin as its first input; `numbers` is the half-open range of barcodes. */
  | {
      readonly do: 'film'
      readonly numbers: readonly [number, number]
      readonly fps: string
      readonly fields?: boolean
      readonly args: readonly string[]
    }
  | { readonly do: 'ffmpeg'; readonly args: readonly string[] }
  | { readonly do: 'beeps'; readonly file: string; readonly beeps: Beeps }
  | { readonly do: 'text'; readonly file: string; readonly text: string }
  /** Noise from a fixed seed. */
  | { readonly do: 'noise'; readonly file: string; readonly bytes: number }
  /** Keeps the first part of a file. */
  | { readonly do: 'truncate'; readonly file: string; readonly keep: number }
  /** Drops the first transport packets of a file: a recording that began in the middle. */
  | { readonly do: 'behead'; readonly file: string; readonly drop: number }
  /** Drops every `every`th transport packet: a bad aerial. */
  | { readonly do: 'lose'; readonly file: string; readonly every: number }
  /** Zeroes bytes from a part (0–1) of a file on: a hole that a download left. */
  | { readonly do: 'hole'; readonly file: string; readonly at: number; readonly bytes: number }
  /** Inverts 24 bytes in the middle of these video packets (a damaged picture), and from the first byte of `heads` (none). */
  | {
      readonly do: 'damage'
      readonly file: string
      readonly packets: readonly number[]
      readonly heads: readonly number[]
    }
  /** Writes a display matrix into the first track of an MP4: the clockwise turn, or the mirror, that shows it upright. */
  | { readonly do: 'turn'; readonly file: string; readonly matrix: Turn }
  /** Files one after another, byte by byte. */
  | { readonly do: 'join'; readonly file: string; readonly files: readonly string[] }
  /** Moves an MP4's metadata before its tracks: its cover art becomes stream 0. */
  | { readonly do: 'cover-first'; readonly file: string }
  /** A Blu-ray bitmap subtitle stream: one white box per entry. */
  | { readonly do: 'bitmap-subtitles'; readonly file: string; readonly times: readonly (readonly [number, number])[] }

export interface AudioExpected {
  /** As the output must tag it; `und` where the source says nothing. */
  readonly language: string
  readonly channels: number
  /** Which chirp it carries. */
  readonly beep: number
}

export interface Expected {
  /** The sentence that refuses it must match; null where it must be encoded. */
  readonly refused: RegExp | null
  /** Barcodes that a player shows, half-open; null where the source's decoder decides (damaged sources). */
  readonly numbers: readonly [number, number] | null
  /** Upright, with square pixels, before any scaling. */
  readonly display: { readonly width: number; readonly height: number }
  readonly audio: readonly AudioExpected[]
  /** Languages of the text subtitles, in order. */
  readonly subtitles: readonly string[]
  /** Titles; the times are read from the source. */
  readonly chapters: readonly string[]
  readonly hdr: boolean
  readonly interlaced: boolean
  /** Frames that the source's own decoder may lose or damage. */
  readonly lossMax: number
  /** A gap of the clock that results close up: seconds after the first frame, where it begins and where it ends. */
  readonly gap: readonly [from_s: number, to_s: number] | null
  /** How far a beep may move, in samples of 48 kHz: 1 unless the source's own times are that vague. */
  readonly beepSamples: number
}

export interface Source {
  readonly name: string
  /** File name, with the extension that its trap needs. */
  readonly file: string
  /** What it is and which mistake it shows. */
  readonly what: string
  readonly steps: readonly Step[]
  /** Files kept beside it: what a playlist names. */
  readonly keep: readonly string[]
  readonly expect: Expected
  /** ffmpeg builds, by version prefix, that cannot read it. */
  readonly cannotOn: readonly string[]
  /** One of those that `npm test` runs. */
  readonly quick: boolean
}

export const PLAIN: Expected = {
  refused: null,
  numbers: null,
  display: { width: 320, height: 180 },
  audio: [],
  subtitles: [],
  chapters: [],
  hdr: false,
  interlaced: false,
  lossMax: 0,
  gap: null,
  beepSamples: 1,
}

type Loose = Partial<Omit<Source, 'expect'>> & Pick<Source, 'name' | 'file' | 'what' | 'steps'>

/** A source with the usual values for all that is not said. */
export const source = (said: Loose, expect: Partial<Expected> = {}): Source => ({
  keep: [],
  cannotOn: [],
  quick: false,
  ...said,
  expect: { ...PLAIN, ...expect },
})

/** A source that must be refused with a sentence like `refused`. */
export const refusedSource = (said: Loose, refused: RegExp): Source => source({ quick: true, ...said }, { refused })
