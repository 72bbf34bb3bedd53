/**
 * A Blu-ray (PGS) subtitle stream, made by hand: ffmpeg reads bitmap subtitles but cannot draw text into them. One white
 * box per entry. Layout: US patent application 20090185789; ffmpeg's `sup` demuxer reads it.
 */
const CANVAS = { width: 320, height: 180 } as const
const BOX = { width: 48, height: 16, x: 136, y: 150 } as const
const TICKS = 90_000

const SEGMENT = { palette: 0x14, object: 0x15, composition: 0x16, window: 0x17, end: 0x80 } as const

/** The bytes of a `.sup` file that shows a box from `start` to `end` (seconds) for each of `times`. */
export function bitmapSubtitles(times: readonly (readonly [number, number])[]): Buffer {
  return Buffer.concat(
    times.flatMap(([start, end], index) => [
      segment(start, SEGMENT.composition, composition(2 * index, true)),
      segment(start, SEGMENT.window, windows()),
      segment(start, SEGMENT.palette, Buffer.from([0, 0, 1, 235, 128, 128, 255])),
      segment(start, SEGMENT.object, object()),
      segment(start, SEGMENT.end, Buffer.alloc(0)),
      segment(end, SEGMENT.composition, composition(2 * index + 1, false)),
      segment(end, SEGMENT.window, windows()),
      segment(end, SEGMENT.end, Buffer.alloc(0)),
    ]),
  )
}

function segment(time_s: number, type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(13)
  header.write('PG', 0, 'latin1')
  header.writeUInt32BE(Math.round(time_s * TICKS), 2)
  header.writeUInt8(type, 10)
  header.writeUInt16BE(body.length, 11)
  return Buffer.concat([header, body])
}

const u16 = (value: number): number[] => [value >> 8, value & 255]

/** A composition: with the box it starts an epoch (0x80), without it clears the screen. */
function composition(number: number, shown: boolean): Buffer {
  const head = [
    ...u16(CANVAS.width),
    ...u16(CANVAS.height),
    0x10,
    ...u16(number),
    shown ? 0x80 : 0,
    0,
    0,
    shown ? 1 : 0,
  ]
  return Buffer.from(shown ? [...head, ...u16(0), 0, 0, ...u16(BOX.x), ...u16(BOX.y)] : head)
}

const windows = (): Buffer => Buffer.from([1, 0, ...u16(BOX.x), ...u16(BOX.y), ...u16(BOX.width), ...u16(BOX.height)])

/** Run lengths: 0x00, 0x80|length, colour for runs under 64; 0x00 0x00 ends a line. */
function object(): Buffer {
  const data = Array.from({ length: BOX.height }, () => [0, 0x80 | BOX.width, 1, 0, 0]).flat()
  const length = data.length + 4
  const size = [...u16(BOX.width), ...u16(BOX.height)]
  return Buffer.from([...u16(0), 0, 0xc0, length >> 16, ...u16(length & 0xffff), ...size, ...data])
}
