/**
 * Finds where the picture of a source changes its size or pixel aspect in mid-film (joined recordings, broadcasts).
 *
 * Packets do not say it, and to decode all of them would double the work. So the parameter sets at the head of each keyframe are read
 * from the file and compared; only where they differ, or the demuxer announces new ones, the keyframes are decoded, and these decide. What
 * the heads do not show is not noticed: such a picture is scaled to the size of the first one.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { FFMPEG_STALL_MS } from '../protocol/limits.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { Fate, Rational, Shape } from '../protocol/plan.ts'
import { fieldsOf, keyframeArgs } from './commands/read.ts'
import type { Packets } from './packet-index.ts'
import { parseRational, secondsOf } from './rational.ts'
import type { Programs } from './run-ffmpeg.ts'

/** A source whose packets have been read. */
export interface ShapeJob {
  readonly source: string
  /** ffmpeg's name of the container. */
  readonly format: string
  readonly stream: number
  readonly codec: string
  readonly genpts: boolean
  readonly packets: Packets
  readonly signal: AbortSignal
}

/** What the heads of keyframes show. */
export interface Heads {
  /** The shapes of the picture in order of time; empty where there is only one. */
  readonly shapes: readonly Shape[]
  /** Whether one carries closed captions in the form of ATSC A/53. */
  readonly captions: boolean
}

/** Reads the heads of all keyframes, and decodes keyframes where their shapes may differ. */
export async function readHeads(programs: Programs, job: ShapeJob): Promise<Heads> {
  const { differ, captions } = await compareHeads(job)
  if (!(job.packets.announced || differ)) return { shapes: [], captions }
  const shapes: Shape[] = []
  await programs.run({
    program: programs.ffprobe, args: keyframeArgs(job), signal: job.signal, stallMs: FFMPEG_STALL_MS,
    onLine: (line) => takeShape(shapes, line),
  }) // biome-ignore format: groups
  const changes = changesOf(shapes)
  return { shapes: changes.length > 1 ? changes : [], captions }
}

function takeShape(shapes: Shape[], line: string): void {
  const fields = fieldsOf(line)
  const pts = Number(fields.get('best_effort_timestamp') ?? fields.get('pts'))
  const [width, height] = [Number(fields.get('width')), Number(fields.get('height'))]
  if (!Number.isFinite(pts) || !(width > 0 && height > 0)) return
  shapes.push({ start_pts: pts, width, height, sample_aspect: aspectOf(fields.get('sample_aspect_ratio')) })
}

function aspectOf(text: string | undefined): Rational {
  const ratio = parseRational(text)
  return ratio && ratio[0] <= ratio[1] * 10 && ratio[1] <= ratio[0] * 10 ? ratio : [1, 1]
}

/** Only the shapes that differ from the one before, by time. Pure. */
export function changesOf(shapes: readonly Shape[]): Shape[] {
  const ordered = [...shapes].sort((a, b) => a.start_pts - b.start_pts)
  return ordered.filter((shape, at) => at === 0 || !sameShape(shape, ordered[at - 1]!))
}

const sameShape = (a: Shape, b: Shape): boolean =>
  a.width === b.width && a.height === b.height && a.sample_aspect.join() === b.sample_aspect.join()

/**
 * The shape that gives the frame into which the others are fitted: the largest of those that are shown at least half as long as the
 * longest. Times are ticks of the source. Pure.
 */
export function mainShape(shapes: readonly Shape[], range: { start_pts: number; end_pts: number }): Shape {
  const shown = shapes.map((shape) =>
    shapes.reduce((sum, other, at) => sum + (sameShape(shape, other) ? lengthOf(shapes, at, range) : 0), 0),
  )
  const usual = shapes.filter((_, at) => shown[at]! * 2 >= Math.max(...shown))
  return usual.reduce((best, shape) => (areaOf(shape) > areaOf(best) ? shape : best))
}

/** Pixels of the picture if they were square. */
const areaOf = ({ width, height, sample_aspect }: Shape): number =>
  (width * height * sample_aspect[0]) / sample_aspect[1]

const lengthOf = (shapes: readonly Shape[], at: number, range: { start_pts: number; end_pts: number }): number =>
  Math.max(0, (shapes[at + 1]?.start_pts ?? range.end_pts) - Math.max(range.start_pts, shapes[at]!.start_pts))

/** What becomes of the shapes, for a person. Pure. */
export function shapeFates(shapes: readonly Shape[], start_pts: number, timeBase: Rational): Fate[] {
  if (shapes.length === 0) return []
  const named = shapes.slice(0, 4).map((shape, at) => {
    const { width, height, sample_aspect } = shape
    const pixels = sample_aspect[0] === sample_aspect[1] ? '' : ` with pixels of ${sample_aspect.join(':')}`
    const since = at === 0 ? '' : ` from ${secondsOf(shape.start_pts - start_pts, timeBase).toFixed(1)} s`
    return `${width}×${height}${pixels}${since}`
  })
  const more = shapes.length > named.length ? ` and ${shapes.length - named.length} more` : ''
  const note = `The picture changes its shape (${named.join(', ')}${more}): every shape keeps its proportions, with black bars where it does not fill the frame.`
  return [{ part: 'shape of the picture', fate: 'converted', note }]
}

/** Bytes read at a keyframe: parameter sets come first, after little else. */
const HEAD_BYTES = 2048
/** Heads of one source that are compared; every codec here has few keyframes a second, apart from motion JPEG. */
const HEADS_MAX = 100_000

async function compareHeads({
  source,
  format,
  codec,
  packets,
}: ShapeJob): Promise<{ differ: boolean; captions: boolean }> {
  const form = HEADS[codec]
  const found = { differ: false, captions: false }
  if (form === undefined) return found
  const handle = await open(fsPath(source), 'r')
  try {
    let first: string | undefined
    for (const position of headPositions(packets)) {
      const bytes = await readHead(handle, position, format)
      const head = form.exec(bytes)?.[1]
      first ??= head
      if (head !== undefined && head !== first) found.differ = true
      if (bytes.includes('GA94')) found.captions = true
      if (found.differ && found.captions) break
    }
    return found
  } finally {
    await handle.close()
  }
}

function headPositions({ key, position }: Packets): number[] {
  return position.filter((at, packet) => key[packet] && Number.isSafeInteger(at) && at >= 0).slice(0, HEADS_MAX)
}

const pattern = (bytes: string): RegExp => new RegExp(bytes)
/** The bytes of a parameter set up to the next one: a start code, or a length below 64 KiB. */
const TO_NEXT = String.raw`[\s\S]{3,}?)(?=\x00\x00[\x00\x01])`
const UNIT = String.raw`(?:\x00\x00\x01|\x00\x00[\s\S]{2})`
/**
 * By codec, the bytes that hold size and pixel aspect: the first parameter set of H.264, HEVC and MPEG-4, the sequence header of MPEG-1 and
 * -2, the frame header of VP8, VP9 and JPEG. A chance hit elsewhere only costs a decode of the keyframes.
 */
const HEADS: Readonly<Record<string, RegExp>> = {
  h264: pattern(String.raw`${UNIT}([\x27\x47\x67][\x2c\x42\x4d\x53\x56\x58\x64\x6e\x7a\xf4]${TO_NEXT}`),
  hevc: pattern(String.raw`${UNIT}(\x42\x01${TO_NEXT}`),
  mpeg1video: pattern(String.raw`\x00\x00\x01\xb3([\s\S]{4})`),
  mpeg2video: pattern(String.raw`\x00\x00\x01\xb3([\s\S]{4})`),
  mpeg4: pattern(String.raw`\x00\x00\x01([\x20-\x2f]${TO_NEXT}`),
  vp8: pattern(String.raw`\x9d\x01\x2a([\s\S]{4})`),
  vp9: pattern(String.raw`\x49\x83\x42([\s\S]{5})`),
  mjpeg: pattern(String.raw`\xff[\xc0-\xc3]\x00[\s\S]([\s\S]{5})`),
}

async function readHead(handle: FileHandle, position: number, format: string): Promise<string> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, position)
  const head = buffer.subarray(0, bytesRead)
  return (format === 'mpegts' ? payloadOf(head) : head).toString('latin1')
}

const TS_PACKET_BYTES = 188

/** The payload of the transport packets at the beginning of `bytes` that belong to the same stream as the first. Pure. */
export function payloadOf(bytes: Buffer): Buffer {
  // M2TS puts 4 bytes before each packet.
  const start = bytes.indexOf(0x47)
  if (start < 0) return bytes
  const stride = bytes[start + TS_PACKET_BYTES] === 0x47 ? TS_PACKET_BYTES : TS_PACKET_BYTES + 4
  const parts: Buffer[] = []
  const pid = bytes.readUInt16BE(Math.min(start + 1, bytes.length - 2)) & 0x1fff
  for (let at = start; at + TS_PACKET_BYTES <= bytes.length; at += stride) {
    if ((bytes.readUInt16BE(at + 1) & 0x1fff) !== pid) continue
    const hasAdaptation = (bytes[at + 3]! & 0x20) !== 0
    parts.push(bytes.subarray(at + 4 + (hasAdaptation ? 1 + bytes[at + 4]! : 0), at + TS_PACKET_BYTES))
  }
  return Buffer.concat(parts)
}
