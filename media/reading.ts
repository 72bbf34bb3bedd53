/**
 * Reads the packets of a source, and decodes its beginning. Where this build crashes on the file the error is `build_cannot`, as another build may
 * read it.
 */
import { AttemptFailed, SourceRefused } from '../protocol/errors.ts'
import type { SelfTestReport, SourceIndex, SourceProbe } from '../protocol/media.ts'
import type { Fate, Rational } from '../protocol/plan.ts'
import { decodeRate, shownTimes, streamRate } from './counted-rate.ts'
import { decodeFrames } from './decoded-frames.ts'
import { areFields, frameTimes, keyedByFrames } from './fields.ts'
import { hdrData } from './hdr-data.ts'
import {
  areDecodeTimes, clockFallsAt, 
  type DecodedFrame, decodedTimesOf, endOf, hiddenInside, hideRemnant, type PacketIndex, type Packets, packetsArePictures, readingOf, timesOf,
} from './packet-index.ts' // biome-ignore format: groups
import { listPackets } from './packet-list.ts'
import { decoderName } from './pixel-format.ts'
import { plainPicture } from './plain-picture.ts'
import { dynamicHdrFates } from './probe/side-data.ts'
import { type RatedProbe, saysSideData, whyUnreadable } from './probing.ts'
import type { Promised } from './promises.ts'
import { secondsOf } from './rational.ts'
import type { Programs } from './run-ffmpeg.ts'
import { type Heads, readHeads, shapeFates } from './shape-changes.ts'
import { PICTURE, quoted } from './source-file.ts'
import { cutOffFates } from './truncation.ts'

/** A source to index. `probe` is that of `probeSource`. */
export interface IndexJob {
  readonly source: string
  readonly probe: SourceProbe
  readonly selfTestReport: SelfTestReport
  readonly signal: AbortSignal
}

/** Formats of pictures: one with a single packet is a still. */
const PICTURES: ReadonlySet<string> = new Set(['gif', 'apng', 'mjpeg', 'jpeg_pipe'])
/** Formats that are read straight from the source, and why. */
const STRAIGHT: ReadonlyMap<string, string> = new Map([
  ['gif', 'its pictures are changes of the one before'],
  ['apng', 'its pictures are changes of the one before'],
  ['yuv4mpegpipe', 'no cut says where its chroma samples lie'],
])

/**
 * Number of packets decoded at the beginning: enough to see whether they are frames, and from which one on they can be shown. Fewer of
 * pictures larger than `HEAD_PIXELS`, but as many as every reordering and pulldown needs.
 */
const HEAD_PACKETS = { most: 40, least: 20 } as const
const HEAD_PIXELS = 1280 * 720

const headPackets = ({ width, height }: SourceProbe['video']): number =>
  Math.max(
    HEAD_PACKETS.least,
    Math.min(HEAD_PACKETS.most, Math.ceil((HEAD_PACKETS.most * HEAD_PIXELS) / (width * height))),
  )

/** Reads all packets of the video stream, and decodes its beginning. Rejects as `probeSource` does. */
export async function indexSource(programs: Programs, job: IndexJob): Promise<PacketIndex & SourceIndex> {
  const { codec } = job.probe.video
  let packets = await readPackets(programs, job, false)
  const reading = readingOf(packets, codec)
  const genpts = reading === 'genpts'
  if (genpts) packets = await readPackets(programs, job, true)
  hideRemnant(packets, codec)
  if (packets.pts.length === 0)
    throw new SourceRefused(`${quoted(job.source)} has a video stream without a single frame.`)
  if (PICTURES.has(job.probe.format) && packets.pts.length === 1)
    throw new SourceRefused(`${quoted(job.source)} ${PICTURE}.`)
  if ([...packets.pts, ...packets.dts].every(Number.isNaN))
    return countFrames(programs, job, packets, streamRate(job.probe as RatedProbe))
  refuseJump(job, packets)
  const { format, video } = job.probe
  const plain = genpts || video.hdr ? null : await plainPicture({ source: job.source, format, codec, packets })
  const head = plain !== null ? plainHead(packets) : await readHead(programs, job, genpts, packets)
  const heads = await readHeads(programs, { ...job, ...video, format, genpts, packets })
  const promised = (job.probe as RatedProbe).cutOff
  const whole =
    reading === 'decode' ? 'most of its packets have no time' : packetsArePictures(packets, head.frames, head.read)
  const rate =
    whole === null && areDecodeTimes(packets, head.frames) ? decodeRate(packets, job.probe as RatedProbe) : null
  if (rate !== null) return countFrames(programs, job, packets, rate)
  const times = whole === null && codec !== 'vp8' ? timesOf(packets, head.frames[0]!.pts) : null
  if (times !== null)
    return assemble(job, {
      packets,
      genpts,
      times,
      head: head.frames,
      heads,
      promised,
      plain,
      identity: (job.probe as RatedProbe).packets ? (job.probe as RatedProbe).identity : null,
      whole: hiddenInside(packets, times) ? 'its edit list repeats or skips pictures' : (STRAIGHT.get(format) ?? null),
    })
  const shown = decodedTimesOf(await readFrames(programs, job, { genpts, timeBase: packets.timeBase }))
  const known = new Set(packets.pts)
  const cuttable = whole === null && codec === 'vp8' && shown.every((time) => known.has(time))
  return assemble(job, {
    packets,
    genpts,
    times: shown,
    head: head.frames,
    heads,
    promised,
    whole: cuttable ? null : (whole ?? 'its times are not those of its pictures'),
  })
}

/** Refuses a source with two frames of one time: only one of them could be shown. */
function refuseJump({ source, probe }: IndexJob, packets: Packets): void {
  const at = clockFallsAt(packets, packets.timeBase ?? probe.time_base)
  if (at === null) return
  throw new SourceRefused(
    `${quoted(source)} has timestamps that jump back after ${at.toFixed(1)} s, so that frames share their times: split it there and submit the parts.`,
  )
}

interface Assembled {
  readonly packets: Packets
  readonly genpts: boolean
  readonly times: number[]
  readonly head: readonly DecodedFrame[]
  readonly heads: Heads
  readonly promised: Promised | null
  readonly whole: string | null
  readonly plain?: string | null
  readonly identity?: string | null
  readonly counted_rate?: Rational
}

/** The index of a source whose packets have no times, or only those of decoding: its pictures are counted, at this rate. */
async function countFrames(
  programs: Programs,
  job: IndexJob,
  packets: Packets,
  counted_rate: Rational,
): Promise<PacketIndex & SourceIndex> {
  const timeBase: Rational = [counted_rate[1], counted_rate[0]]
  const head = await readFrames(programs, job, { genpts: false, timeBase })
  if (head.length === 0) throw whyUndecodable(job)
  const first = shownTimes(packets)[0]
  const own = packets.timeBase ?? job.probe.time_base
  const from = first === undefined ? 0 : Math.round(secondsOf(first, own) / secondsOf(1, timeBase))
  const read = {
    packets: { ...packets, timeBase }, genpts: false, times: head.map((_, at) => from + at), head, heads: { shapes: [], captions: false }, promised: (job.probe as RatedProbe).cutOff,
    whole: 'its packets have no times', counted_rate,
  } // biome-ignore format: groups
  const index = assemble(job, read)
  const rate = Number((counted_rate[0] / counted_rate[1]).toFixed(3))
  const note =
    first === undefined
      ? `The file has no timestamps: its frames are shown at ${rate} per second, as the stream says or, where it does not, as players assume.`
      : `The file says when its frames are decoded, but not when they are shown: they are shown in their order, at ${rate} per second.`
  return { ...index, fates: [...index.fates, { part: 'timestamps', fate: 'converted', note }] }
}

/** The index of a source of which no cut shows its pictures: all of it is decoded, and one chunk. Rejects as `indexSource` does. */
export async function indexByDecoding(
  programs: Programs,
  job: IndexJob,
  index: PacketIndex,
): Promise<PacketIndex & SourceIndex> {
  const { packets, genpts } = index
  const decoded = decodedTimesOf(await readFrames(programs, job, { genpts, timeBase: packets.timeBase }))
  if (decoded.length === 0) throw whyUndecodable(job)
  const times = index.fields ? frameTimes(decoded) : decoded
  const others = index.fates.filter(({ part }) => part !== EARLY)
  return {
    ...index,
    times,
    frames: times.length,
    end_pts: endOf(packets, decoded, packets.timeBase ?? job.probe.time_base),
    whole: 'no cut shows its pictures',
    fates: [...damageFates(packets, times), ...others],
  }
}

function assemble({ probe }: IndexJob, read: Assembled): PacketIndex {
  const { head } = read
  const timeBase = read.packets.timeBase ?? probe.time_base
  const fields = areFields(probe.video.codec, head)
  const times = fields ? frameTimes(read.times) : read.times
  const packets = fields ? keyedByFrames(read.packets, times) : read.packets
  const shapes = read.heads.shapes.map((shape) => ({ ...shape, height: (fields ? 2 : 1) * shape.height }))
  const end_pts = endOf(packets, read.times, timeBase)
  // The parity of the first field is the order of all; of frames the majority counts.
  const flagged = head.filter((frame) => frame.interlaced).slice(0, fields ? 1 : undefined)
  return {
    ...read,
    packets,
    times,
    fields,
    shapes,
    cutOff: read.promised,
    captions: read.heads.captions || head.some(({ captions }) => captions),
    hdr: hdrData(head[0]?.sideData ?? ''),
    counted_rate: read.counted_rate ?? null,
    frames: times.length,
    end_pts,
    interlaced: fields || (head.length > 0 ? flagged.length * 2 > head.length : probe.video.interlaced),
    top_field_first:
      flagged.length > 0
        ? flagged.filter((frame) => frame.topFieldFirst).length * 2 > flagged.length
        : probe.video.top_field_first,
    fates: [
      ...damageFates(packets, times),
      ...dynamicHdrFates(head[0]?.sideData ?? ''),
      ...shapeFates(shapes, times[0]!, timeBase),
      ...cutOffFates(read.promised, { seconds: secondsOf(end_pts - times[0]!, timeBase), frames: times.length }),
    ],
  }
}

function damageFates(packets: Packets, times: readonly number[]): Fate[] {
  const early = packets.pts.filter((pts, at) => !packets.discarded[at] && pts < times[0]!).length
  if (early === 0) return []
  const note = `${early} frames at the beginning cannot be decoded: the pictures they refer to are missing from the file.`
  return [{ part: EARLY, fate: 'left_out', note }]
}

const EARLY = 'frames at the beginning'

async function readPackets(programs: Programs, job: IndexJob, genpts: boolean): Promise<Packets> {
  const { source, probe, signal } = job
  const { packets } = probe as RatedProbe
  if (packets && !genpts) return structuredClone(packets)
  const sideData = saysSideData(probe)
  const read = await listPackets(programs, { source, stream: probe.video.stream, genpts, sideData, signal })
  if (read.exitCode !== 0 && read.packets.pts.length === 0)
    throw new SourceRefused(`${quoted(source)} ${whyUnreadable(read.log)}.`)
  return read.packets
}

/** What `readHead` answers of plain pictures. */
const plainHead = ({ pts }: Packets) => ({
  frames: [...pts].sort((a, b) => a - b).map((time) => ({ pts: time, interlaced: false, topFieldFirst: false })),
  read: pts.length,
})

async function readHead(programs: Programs, job: IndexJob, genpts: boolean, packets: Packets) {
  const few = headPackets(job.probe.video)
  for (const read of [few, few * 25]) {
    const frames = (await readFrames(programs, job, { genpts, timeBase: packets.timeBase, packets: read })).filter(
      ({ pts }) => !Number.isNaN(pts),
    )
    if (frames.length > 0) return { frames, read: Math.min(read, packets.pts.length) }
    if (packets.pts.length <= read) break
  }
  throw whyUndecodable(job)
}

function whyUndecodable({ probe, source, selfTestReport }: IndexJob): Error {
  const word = decoderName(probe.video.codec, probe.video.bit_depth)
  if (selfTestReport.decoders.includes(word))
    return new SourceRefused(`${quoted(source)} has no frame that can be decoded.`)
  return new AttemptFailed('build_cannot', `this node's ffmpeg (${selfTestReport.ffmpeg}) cannot decode ${word}`)
}

function readFrames(
  programs: Programs,
  { source, probe, signal }: IndexJob,
  options: { genpts: boolean; timeBase: Rational | null; packets?: number },
): Promise<DecodedFrame[]> {
  return decodeFrames(programs, {
    source,
    signal,
    stream: probe.video.stream,
    ...options,
    timeBase: options.timeBase ?? probe.time_base,
  })
}
