/**
 * What a player sees and hears of a file, read with plain ffmpeg and nothing of ours: every frame with its time and its
 * barcode, every run of samples with its time, the streams' tags, and the decoders' complaints. One decoder thread:
 * what a damaged frame looks like depends on their number.
 */
import { execa } from 'execa'
import { readBarcode, THUMB, THUMB_BYTES } from './barcode.ts'
import type { Run } from './beeps.ts'

export interface Frame {
  /** Seconds, as the file says. */
  readonly at_s: number
  /** Its barcode; null where the picture has no clean one. */
  readonly number: number | null
  /** The picture, 64 × 48, grey. */
  readonly thumb: Uint8Array
}

export interface Sound {
  readonly rate: number
  readonly channels: number
  readonly layout: string
  readonly runs: readonly Run[]
}

export interface Cue {
  readonly start_s: number
  readonly end_s: number
  readonly text: string
}

/** Frames of one decoded track may start this far from the end of those before them: clocks in milliseconds. */
const GAP_S = 0.015
const BYTES_MAX = 2 ** 30

/** Every frame that a player shows of `stream`, turned upright, in the order they come. */
export async function readFrames(job: {
  ffmpeg: string
  file: string
  stream: number
  /** Grey is then made as BT.709 makes it, which is what RGB is tagged as after encoding. */
  isRgb?: boolean
}): Promise<Frame[]> {
  const matrix = job.isRgb ? ':out_color_matrix=bt709' : ''
  const filter = `scale=${THUMB.width}:${THUMB.height}:flags=area${matrix},format=gray,showinfo`
  const output = ['-map', `0:${job.stream}`, '-vf', filter, '-fps_mode', 'passthrough', '-f', 'rawvideo', 'pipe:1']
  const { bytes, log } = await decode(job, output)
  const times = shownTimes(log)
  const pictures = Math.floor(bytes.length / THUMB_BYTES)
  // ffmpeg's own queues may hold back or drop a frame: that would be the reader's fault, never the file's.
  if (times.length !== pictures) throw new Error(`${times.length} times for ${pictures} frames of ${job.file}`)
  return times.map((at_s, index) => {
    const thumb = bytes.subarray(index * THUMB_BYTES, (index + 1) * THUMB_BYTES)
    return { at_s, number: readBarcode(thumb), thumb }
  })
}

/** The decoded samples of `stream`, at its own rate, placed by the times of its frames. */
export async function readSound(job: { ffmpeg: string; file: string; stream: number }): Promise<Sound> {
  const output = ['-map', `0:${job.stream}`, '-af', 'ashowinfo', '-f', 'f32le', '-c:a', 'pcm_f32le', 'pipe:1']
  const { bytes, log } = await decode(job, output)
  const frames = [...log.matchAll(/ n:\s*\d+ pts:\s*(\S+) .*?chlayout:(.+?) rate:(\d+) nb_samples:(\d+)/g)]
  const first = frames[0]
  if (!first) return { rate: 48_000, channels: 0, layout: '', runs: [] }
  const rate = Number(first[3])
  const total = frames.reduce((sum, frame) => sum + Number(frame[4]), 0)
  const channels = Math.round(bytes.length / 4 / total)
  const samples = new Float32Array(new Uint8Array(bytes).buffer)
  // ffmpeg filters sound in ticks of one sample; `pts_time` beside them has only six digits.
  const parts = frames.map((frame) => ({ at_s: Number(frame[1]) / rate, samples: Number(frame[4]) }))
  return { rate, channels, layout: first[2] ?? '', runs: joinParts(parts, samples, { rate, channels }) }
}

/** A text subtitle's lines with their times, as the file says. */
export async function readCues(job: { ffmpeg: string; file: string; stream: number }): Promise<Cue[]> {
  const args = ['-nostdin', '-v', 'error', '-copyts', '-i', job.file, '-map', `0:${job.stream}`, '-f', 'srt', 'pipe:1']
  const { stdout } = await execa(job.ffmpeg, args, { stdin: 'ignore' })
  return stdout.split(/\r?\n\r?\n/).flatMap((block) => {
    const [, times = '', ...text] = block.split(/\r?\n/)
    const [start, end] = times.split(' --> ').map(srtSeconds)
    return start === undefined || end === undefined
      ? []
      : [{ start_s: start, end_s: end, text: text.join('\n').trim() }]
  })
}

function srtSeconds(time: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = time.replace(',', '.').split(':').map(Number)
  return hours * 3600 + minutes * 60 + seconds
}

/** What ffmpeg says while it decodes all of a file; nothing is the right answer. */
export async function readComplaints(job: { ffmpeg: string; file: string }): Promise<string[]> {
  const args = ['-nostdin', '-hide_banner', '-nostats', '-v', 'warning', '-i', job.file]
  const output = ['-map', '0:V', '-map', '0:a?', '-map', '0:s?', '-c:s', 'copy', '-f', 'null', '-']
  const { stderr, exitCode } = await execa(job.ffmpeg, [...args, ...output], { stdin: 'ignore', reject: false })
  // Of covers in an MP4, which are no tracks, and are copied as they are: the source's say it too.
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/timescale not set$|EOI missing/.test(line))
  return exitCode === 0 ? lines : [...lines, `ffmpeg ended with ${exitCode}`]
}

async function decode(job: { ffmpeg: string; file: string }, output: readonly string[]) {
  const input = ['-nostdin', '-hide_banner', '-nostats', '-v', 'info', '-threads', '1', '-copyts', '-i', job.file]
  const options = { stdin: 'ignore', reject: false, encoding: 'buffer', maxBuffer: BYTES_MAX } as const
  const result = await execa(job.ffmpeg, [...input, ...output], options)
  if (result.failed && result.stdout.length === 0) {
    throw new Error(`cannot decode ${job.file}: ${Buffer.from(result.stderr).toString().slice(-500)}`)
  }
  return { bytes: result.stdout, log: Buffer.from(result.stderr).toString() }
}

/** Exact seconds from `showinfo`: ticks and timebase, not its rounded `pts_time`. */
export function shownTimes(log: string): number[] {
  const base = /config in time_base: (\d+)\/(\d+)/.exec(log)
  if (!base) return []
  const [numerator, denominator] = [Number(base[1]), Number(base[2])]
  return [...log.matchAll(/ n:\s*\d+ pts:\s*(\S+)/g)].map((match) => (Number(match[1]) * numerator) / denominator)
}

function joinParts(
  parts: readonly { at_s: number; samples: number }[],
  samples: Float32Array,
  { rate, channels }: { rate: number; channels: number },
): Run[] {
  const runs: { start_s: number; from: number; to: number }[] = []
  let at = 0
  for (const part of parts) {
    const last = runs.at(-1)
    const expected_s = last ? last.start_s + (at - last.from) / rate : Number.NEGATIVE_INFINITY
    if (last && Math.abs(part.at_s - expected_s) < GAP_S) last.to = at + part.samples
    else runs.push({ start_s: part.at_s, from: at, to: at + part.samples })
    at += part.samples
  }
  return runs.map(({ start_s, from, to }) => ({ start_s, samples: samples.subarray(from * channels, to * channels) }))
}
