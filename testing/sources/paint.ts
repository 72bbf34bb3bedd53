/**
 * Raw frames for the sources: a barcode above, moving texture below. Always painted at one small size, 4:2:0, limited
 * range; ffmpeg scales them to whatever a source needs. Painting 1,000 frames takes about 0.1 s: drawing the same with
 * ffmpeg's `geq` or `drawbox` expressions took minutes.
 */
import { barcodeCells, COLUMNS, ROWS } from './barcode.ts'

export const CANVAS = { width: 320, height: 180 } as const

export interface Painting {
  /** Barcodes in order: what a test wants to see again. */
  readonly numbers: readonly number[]
  /** Two fields per number, half a frame apart in their motion: weave them with `tinterlace`. */
  readonly fields?: boolean
}

const WHITE = 235
const BLACK = 16
const TEXTURE_PERIOD = 1024
/** Frames between changes of texture: scene cuts that fall on no usual GOP or chunk grid. */
const SCENE_FRAMES = 133

/** ffmpeg's input options for what `paint` yields. */
export const rawInput = (rate: string): string[] => [
  ...['-f', 'rawvideo', '-pixel_format', 'yuv420p', '-video_size', `${CANVAS.width}x${CANVAS.height}`],
  ...['-framerate', rate, '-i', 'pipe:0'],
]

/** One yuv420p frame after another, each in its own buffer (a stream may hold several). */
export function* paint({ numbers, fields = false }: Painting): Generator<Uint8Array> {
  const perNumber = fields ? 2 : 1
  for (let at = 0; at < numbers.length * perNumber; at++) {
    const number = numbers[Math.floor(at / perNumber)] ?? 0
    yield paintFrame(number, at / perNumber)
  }
}

function paintFrame(number: number, time: number): Uint8Array {
  const { width, height } = CANVAS
  const luma = width * height
  const frame = new Uint8Array((luma * 3) / 2)
  paintBarcode(frame, number)
  const scene = Math.floor(time / SCENE_FRAMES)
  const texture = TEXTURES[scene % TEXTURES.length] ?? new Uint8Array()
  for (let y = height / 2; y < height; y++) {
    const shift = Math.floor(time * 3 + y * (1 + (scene % 3))) % TEXTURE_PERIOD
    frame.set(texture.subarray(shift, shift + width), y * width)
  }
  paintChroma(frame.subarray(luma), time)
  return frame
}

function paintBarcode(frame: Uint8Array, number: number): void {
  const { width, height } = CANVAS
  const cells = barcodeCells(number)
  const rowHeight = height / 2 / ROWS
  for (let y = 0; y < height / 2; y++) {
    const row = Math.floor(y / rowHeight)
    for (let column = 0; column < COLUMNS; column++) {
      const from = y * width + (column * width) / COLUMNS
      frame.fill(cells[row * COLUMNS + column] ? WHITE : BLACK, from, from + width / COLUMNS)
    }
  }
}

/** Grey behind the barcode, slowly turning colour below. */
function paintChroma(chroma: Uint8Array, time: number): void {
  const plane = chroma.length / 2
  chroma.fill(128)
  chroma.fill(128 + Math.round(50 * Math.sin(time / 31)), plane / 2, plane)
  chroma.fill(128 + Math.round(50 * Math.cos(time / 23)), plane + plane / 2)
}

/** Waves with some grain: enough that an encoder has work, little enough that small pictures stay cheap. */
const TEXTURES: readonly Uint8Array[] = [3, 7, 13].map((waves, index) => {
  let seed = index + 1
  return Uint8Array.from({ length: TEXTURE_PERIOD + CANVAS.width }, (_, x) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    const wave = Math.sin((2 * Math.PI * waves * (x % TEXTURE_PERIOD)) / TEXTURE_PERIOD)
    return Math.round(126 + 60 * wave + ((seed >>> 16) % 24))
  })
})
