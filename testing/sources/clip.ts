/**
 * A clip to show: moving colours, a sweeping dial and a counter that says which second and which frame this is, with a
 * ping at every second. Painted here at a quarter of the size and scaled up by ffmpeg, so that it needs neither fonts
 * nor somebody's footage; a minute of 1080p takes about 15 s on two cores.
 */
import { rename, rm } from 'node:fs/promises'
import { execa } from 'execa'
import { drawText, TEXT_HEIGHT, textWidth } from './digits.ts'

export interface ClipJob {
  /** An `.mp4`; written beside it and renamed. */
  readonly out: string
  readonly seconds: number
  readonly ffmpeg: string
  readonly width?: number
  readonly height?: number
  readonly fps?: number
}

const CANVAS = { width: 480, height: 270 } as const
const CENTRE = { x: 240, y: 112 } as const
/** Of the dial, in canvas pixels. */
const RADIUS = { inner: 62, outer: 78 } as const
const COUNTER_SCALE = 5
const WAVES = 2048
const WHITE = 235
const DARK = 24

/** A chord that breathes, and a ping that dies away within the second. */
const SOUND = [330, 440]
  .map(
    (ping) =>
      `0.08*(sin(440*PI*t)+sin(554.37*PI*t)+sin(659.26*PI*t))*(0.6+0.4*sin(0.5*PI*t))+0.25*sin(${2 * ping}*2*PI*t)*exp(-9*mod(t\\,1))`,
  )
  .join('|')

export async function makeClip(job: ClipJob): Promise<void> {
  const { width = 1920, height = 1080, fps = 30, seconds } = job
  const draft = `${job.out}.${process.pid}.draft.mp4`
  const raw = ['-f', 'rawvideo', '-pixel_format', 'yuv420p', '-video_size', `${CANVAS.width}x${CANVAS.height}`]
  const inputs = [
    ...raw,
    '-framerate',
    String(fps),
    '-i',
    'pipe:0',
    '-f',
    'lavfi',
    '-i',
    `aevalsrc=${SOUND}:s=48000:d=${seconds}`,
  ]
  const colors = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv']
  const picture = [
    '-vf',
    `scale=${width}:${height}:flags=bicubic,setsar=1`,
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-crf',
    '20',
    ...colors,
  ]
  const sound = ['-c:a', 'aac', '-b:a', '160k', '-metadata:s:a:0', 'language=eng']
  const output = ['-g', String(fps * 2), '-pix_fmt', 'yuv420p', '-movflags', '+faststart', draft]
  try {
    const args = ['-hide_banner', '-nostats', '-v', 'error', '-y', ...inputs, ...picture, ...sound, ...output]
    await execa(job.ffmpeg, args, { stdin: paintClip(Math.round(seconds * fps), fps) })
    await rename(draft, job.out)
  } finally {
    await rm(draft, { force: true })
  }
}

function* paintClip(frames: number, fps: number): Generator<Uint8Array> {
  for (let at = 0; at < frames; at++) {
    const frame = new Uint8Array((CANVAS.width * CANVAS.height * 3) / 2)
    paintColours(frame, at / fps)
    paintDial(frame, (at % fps) / fps, Math.floor(at / fps))
    paintCounter(frame, at, fps)
    yield frame
  }
}

/** Three waves that run through each other (a plasma), and stripes fine enough to give an encoder work. */
function paintColours(frame: Uint8Array, time_s: number): void {
  const { width, height } = CANVAS
  const luma = width * height
  const [a, b, c] = [time_s * 70, time_s * 110, time_s * 45].map(Math.round) as [number, number, number]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const stripe = ((x + y + b) & 31) < 2 ? 14 : 0
      frame[y * width + x] = 96 + wave(x * 3 + a, 26) + wave(y * 5 - b, 22) + wave((x + y) * 4 + c, 18) + stripe
    }
  }
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      const at = luma + (y * width) / 2 + x
      frame[at] = 128 + wave(x * 5 + b, 30) + wave(y * 7 + a, 26)
      frame[at + luma / 4] = 128 + wave(y * 6 - a, 30) + wave((x - y) * 5 + c, 26)
    }
  }
}

const SINE = Float32Array.from({ length: WAVES }, (_, at) => Math.sin((2 * Math.PI * at) / WAVES))
const wave = (at: number, height: number): number => (SINE[at & (WAVES - 1)] ?? 0) * height

/** A disc with a ring that fills once a second, and its seconds in the middle. */
function paintDial(frame: Uint8Array, turn: number, seconds: number): void {
  for (let y = -RADIUS.outer; y <= RADIUS.outer; y++) {
    for (let x = -RADIUS.outer; x <= RADIUS.outer; x++) {
      const radius = Math.hypot(x, y)
      if (radius > RADIUS.outer) continue
      const passed = (Math.atan2(-x, y) / (2 * Math.PI) + 0.5) % 1 <= turn
      setPixel(frame, CENTRE.x + x, CENTRE.y + y, radius > RADIUS.inner && passed ? WHITE : DARK)
    }
  }
  const text = String(seconds)
  const scale = 8
  drawText(text, scale, (x, y) =>
    setPixel(frame, CENTRE.x - textWidth(text, scale) / 2 + x, CENTRE.y - (TEXT_HEIGHT * scale) / 2 + y, WHITE),
  )
}

function paintCounter(frame: Uint8Array, at: number, fps: number): void {
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0')
  const seconds = Math.floor(at / fps)
  const text = `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}:${pad(at % fps)} #${pad(at, 4)}`
  const left = Math.round((CANVAS.width - textWidth(text, COUNTER_SCALE)) / 2)
  const top = CANVAS.height - TEXT_HEIGHT * COUNTER_SCALE - 18
  for (let y = top - 8; y < top + TEXT_HEIGHT * COUNTER_SCALE + 8; y++) {
    for (let x = left - 12; x < left + textWidth(text, COUNTER_SCALE) + 12; x++) setPixel(frame, x, y, DARK)
  }
  drawText(text, COUNTER_SCALE, (x, y) => setPixel(frame, left + x, top + y, WHITE))
}

/** A grey pixel: its chroma goes too. */
function setPixel(frame: Uint8Array, x: number, y: number, luma: number): void {
  const { width, height } = CANVAS
  const [column, row] = [Math.round(x), Math.round(y)]
  frame[row * width + column] = luma
  const chroma = width * height + ((row >> 1) * width) / 2 + (column >> 1)
  frame[chroma] = 128
  frame[chroma + (width * height) / 4] = 128
}
