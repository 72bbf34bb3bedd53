/**
 * The usual way to a source: painted frames and beeps through one ffmpeg. 14 s at 25 frames a second, so that a plan
 * has two chunks.
 */
import type { AudioExpected, Step } from '../source.ts'

export interface Sound {
  /** Which chirp, 0 … */
  readonly track: number
  readonly channels?: 1 | 2 | 6
  readonly rate?: number
  readonly seconds?: number
  /** Later than the first frame by this. */
  readonly delay_s?: number
}

export interface Film {
  readonly out: string
  /** Half-open; at most 4,096. */
  readonly numbers?: readonly [number, number]
  readonly fps?: string
  readonly fields?: boolean
  readonly sounds?: readonly Sound[]
  /** Filters and encoder of the picture. */
  readonly video: readonly string[]
  readonly audio?: readonly string[]
  /** More inputs, such as `-i subs.srt`; they come after the sounds. */
  readonly inputs?: readonly string[]
  /** Maps of those, and muxer options. */
  readonly output?: readonly string[]
}

export const NUMBERS: readonly [number, number] = [0, 350]
export const STEREO: Sound = { track: 0 }
/** What `STEREO` gives. */
export const STEREO_EXPECTED: readonly AudioExpected[] = [{ language: 'und', channels: 2, beep: 0 }]
export const FILM_EXPECTED = { numbers: NUMBERS, audio: STEREO_EXPECTED } as const

/** H.264; `params` are x264's own. */
export const h264 = (params: string, ...more: string[]): string[] => [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-x264-params', params],
  ...more,
]

export const CLOSED_GOP = 'keyint=50:min-keyint=50:scenecut=0:bframes=3'
/** Two seconds a GOP as people's encoders make them: B-frames, and keyframes on scene cuts too. */
export const USUAL = h264('keyint=50:bframes=3:b-adapt=0')

export function film(film: Film): Step[] {
  const { numbers = NUMBERS, fps = '25', sounds = [STEREO], inputs = [], output = [] } = film
  const seconds = (numbers[1] - numbers[0]) / rate(fps)
  const beeps = sounds.map((sound, index): Step => {
    const { track, channels = 2, rate = 48_000 } = sound
    return {
      do: 'beeps',
      file: `sound${index}.wav`,
      beeps: { track, channels, rate, seconds: sound.seconds ?? seconds },
    }
  })
  const args = [
    ...sounds.flatMap(({ delay_s = 0 }, index) => [...delay(delay_s), '-i', `sound${index}.wav`]),
    ...inputs,
    ...['-map', '0:v', ...sounds.flatMap((_, index) => ['-map', `${index + 1}:a`])],
    // Else some builds add a frame where a rate is no whole number.
    ...['-fps_mode', 'passthrough'],
    ...film.video,
    ...(sounds.length > 0 ? (film.audio ?? ['-c:a', 'aac', '-b:a', '128k']) : []),
    ...output,
    film.out,
  ]
  return [...beeps, { do: 'film', numbers, fps, fields: film.fields ?? false, args }]
}

const delay = (seconds: number): string[] => (seconds === 0 ? [] : ['-itsoffset', String(seconds)])

function rate(fps: string): number {
  const [numerator = 25, denominator = 1] = fps.split('/').map(Number)
  return numerator / denominator
}
