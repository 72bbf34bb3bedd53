/**
 * Cuts of one chunk out of the source.
 *
 * A chunk is copied into the container that the plan names, and the copy is compared with the index packet by packet. Demuxers seek
 * differently: where the first copy lacks packets of the chunk, the second one starts earlier, and the last one at the beginning of the file.
 * A chunk of which no copy agrees is decoded and coded again without loss, unless the source is not the one that was read before.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { AttemptFailed, SourceChanged } from '../protocol/errors.ts'
import type { Cut, SourceIndex } from '../protocol/media.ts'
import type { ChunkPlan } from '../protocol/plan.ts'
import { packetArgs } from './commands/read.ts'
import { losslessArgs } from './commands/split.ts'
import {
  type CutJob, copyAhead, copyPackets, isOfTheWay, rangeOf, SLACK_BYTES, seeksOf, shiftOfChunk, takeWaiting,
} from './copying.ts' // biome-ignore format: names
import { type CopyVerdict, compareCopy, samePackets } from './cut-check.ts'
import { type Container, type CutPlan, losslessFormat, type Shift, shiftOf } from './cut-formats.ts'
import { noPackets, type PacketIndex, type Packets, takePacket } from './packet-index.ts'
import { copyPlain } from './plain-copy.ts'
import { rescale } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

/** A cut, and how it was made. */
export interface MadeCut extends Cut {
  /** Seconds at which the source was read from; null: the beginning. */
  readonly from: number | null
  readonly pixelFormat: string
  readonly verdict: CopyVerdict
  /** Filters that made its pictures of those of the source. */
  readonly filters: readonly string[]
  /** A time of the source in ticks of the cut. */
  moved(pts: number): number
}

/**
 * Cuts one chunk into `out`, or returns the source itself where the plan has no cut. Rejects with `AttemptFailed`, and with `SourceChanged`
 * where the source has other packets than its index.
 */
export async function cutChunk(programs: Programs, job: CutJob): Promise<Cut> {
  const { plan, source } = job
  const { start_pts, end_pts, cut } = plan.chunks[job.chunk_id]!
  const { cut_format } = plan
  if (cut === null || cut_format === 'none') return { path: source, start_pts, end_pts, time_base: plan.time_base }
  const alone = await copyPlain(job)
  if (alone !== null) return alone
  if (cut_format !== 'lossless')
    await copyAhead(programs, job, cut_format, (id) => keptOf({ ...job, chunk_id: id }) !== null)
  const kept = await keptCut(job)
  if (kept !== null) return kept
  if (cut_format !== 'lossless') {
    const copy = await copyChunk(programs, job, cut_format).catch((error: unknown) => {
      if (isOfTheWay(error)) return null
      throw error
    })
    if (copy?.verdict === 'same') return plain(copy)
    await refuseChanged(programs, job)
    // A container that codes packets otherwise is none that was chosen for that; still, times and number are right.
    if (copy?.verdict === 'other bytes') return plain(copy)
  }
  return plain(await codeLossless(programs, job))
}

interface KeptCut {
  readonly bytes: Buffer
  /** What the cut depends on. */
  readonly of: string
  readonly cut: Cut
}

/** Trial cuts by the packets of the source: two for each plan that is being made, until they are used. */
const keptCuts = new WeakMap<object, Map<number, KeptCut>>()
const KEPT_BYTES_MAX = 32 * 1024 * 1024

const keyOf = ({ cut_format, run_in }: CutPlan, { start_pts, end_pts, cut }: ChunkPlan): string =>
  JSON.stringify([cut_format, run_in, start_pts, end_pts, cut])

/** Keeps a trial cut in memory, if it is not too large, so that `cutChunk` need not make it again. */
export async function keepCut(index: PacketIndex, plan: CutPlan, chunk: ChunkPlan, made: MadeCut): Promise<void> {
  if (made.verdict !== 'same' || (await stat(made.path)).size > KEPT_BYTES_MAX) return
  const kept = keptCuts.get(index.packets) ?? new Map<number, KeptCut>()
  keptCuts.set(index.packets, kept)
  kept.set(chunk.chunk_id, { bytes: await readFile(made.path), of: keyOf(plan, chunk), cut: made })
}

function keptOf({ plan, chunk_id, index }: CutJob): KeptCut | null {
  const found = keptCuts.get((index as PacketIndex & SourceIndex).packets)?.get(chunk_id)
  return found?.of === keyOf(plan, plan.chunks[chunk_id]!) ? found : null
}

async function keptCut(job: CutJob): Promise<Cut | null> {
  const kept = keptOf(job)
  if (kept === null) return null
  await writeFile(job.out, kept.bytes)
  keptCuts.get((job.index as PacketIndex & SourceIndex).packets)?.delete(job.chunk_id)
  return { ...plain(kept.cut), path: job.out }
}

const plain = ({ path, start_pts, end_pts, time_base }: Cut): Cut => ({ path, start_pts, end_pts, time_base })

/** The best copy of a chunk into `container`. Rejects with `AttemptFailed` where ffmpeg cannot write or read it. */
export async function copyChunk(programs: Programs, job: CutJob, container: Container): Promise<MadeCut> {
  const { plan } = job
  const index = job.index as PacketIndex & SourceIndex
  const range = rangeOf(job)
  const shift = shiftOfChunk(job, container)
  const verdictOf = (packets: Packets) => compareCopy({ packets, index: index.packets, range, plan, shift, container })
  const [first] = seeksOf(job)
  let best: MadeCut | undefined
  for (const from of seeksOf(job)) {
    const ready = from === first ? await takeWaiting(job, container) : null
    if (ready === null) await copyPackets(programs, job, { container, from })
    const isReady = ready?.packets && verdictOf(ready.packets) === 'same'
    const packets = isReady ? ready.packets : await readCut(programs, job)
    const made = cutOf(job, { packets, from, shift, verdict: verdictOf(packets) })
    if (made.verdict === 'same') return made
    if (best === undefined || made.verdict === 'other bytes') best = made
    if (made.verdict === 'other bytes') break
  }
  return best!
}

function cutOf(
  { plan, chunk_id, out }: CutJob,
  made: { packets: Packets; from: number | null; shift: Shift; verdict: CopyVerdict; filters?: readonly string[] },
): MadeCut {
  const { start_pts, end_pts } = plan.chunks[chunk_id]!
  const time_base = made.packets.timeBase ?? plan.time_base
  const moved = (pts: number) => rescale(pts + made.shift.ticks, plan.time_base, time_base, made.shift.seconds)
  return {
    path: out, start_pts: moved(start_pts), end_pts: moved(end_pts), time_base,
    from: made.from, pixelFormat: made.packets.pixelFormat, verdict: made.verdict, filters: made.filters ?? [], moved,
  } // biome-ignore format: groups
}

const readCut = (programs: Programs, { out, signal }: CutJob): Promise<Packets> =>
  listPackets(programs, { source: out, stream: 0, genpts: false, signal }, 'reading a cut chunk')

async function listPackets(
  { run, ffprobe }: Programs,
  job: { source: string; stream: number; genpts: boolean; signal: AbortSignal },
  what: string,
): Promise<Packets> {
  const packets = noPackets()
  const onLine = (line: string) => takePacket(packets, line)
  await runOrFail(run, { program: ffprobe, args: packetArgs(job), signal: job.signal, onLine }, what)
  return packets
}

/** Rejects with `SourceChanged` where the source has not the packets of its index any more; passes where it cannot be read. */
export async function refuseChanged(
  programs: Programs,
  job: Pick<CutJob, 'plan' | 'source' | 'index' | 'signal'>,
): Promise<void> {
  const { source, plan, signal } = job
  const { stream } = plan.video
  const reading = listPackets(programs, { source, stream, genpts: plan.genpts, signal }, 'reading the source again')
  const now = await reading.catch((error: unknown) => {
    if (isOfTheWay(error)) return null
    throw error
  })
  if (now !== null && !samePackets(now, (job.index as PacketIndex & SourceIndex).packets))
    throw new SourceChanged(basename(source))
}

/**
 * Decodes a chunk and codes it again as FFV1. Rejects with `verify_failed` where FFV1 cannot hold its pixel format, and where no picture is
 * at a time of the index.
 */
export async function codeLossless(programs: Programs, job: CutJob): Promise<MadeCut> {
  const { plan, chunk_id, signal } = job
  const lossless = losslessFormat(plan.video.pixel_format)
  const failed = (why: string) => new AttemptFailed('verify_failed', `chunk ${chunk_id} could not be cut: ${why}`)
  if (lossless === null) throw failed(`no container holds it, and FFV1 has no ${plan.video.pixel_format}`)
  const chunk = plan.chunks[chunk_id]!
  const shift = shiftOf('lossless', plan, 0)
  const { times } = job.index as PacketIndex & SourceIndex
  const expected = times.filter((time) => time >= chunk.start_pts && time < chunk.end_pts)
  const outputBytesMax = chunk.frames * plan.video.width * plan.video.height * RAW_BYTES_MAX + SLACK_BYTES
  for (const from of seeksOf(job)) {
    const args = losslessArgs({
      source: job.source, stream: plan.video.stream, genpts: plan.genpts, seek: from, offset: shift.offset, timeBase: plan.time_base,
      start_pts: chunk.start_pts, end_pts: chunk.end_pts, filters: lossless.filters, out: job.out,
    }) // biome-ignore format: groups
    const what = `coding chunk ${chunk_id} again`
    await runOrFail(programs.run, { program: programs.ffmpeg, args, signal, progress: true, outputBytesMax }, what)
    const packets = await readCut(programs, job)
    const made = cutOf(job, { packets, from, shift, verdict: 'same', filters: lossless.filters })
    const known = new Set(expected.map((time) => rescale(time, plan.time_base, made.time_base, shift.seconds)))
    const isSubset = packets.pts.length > 0 && packets.pts.every((time) => known.has(time))
    if (isSubset && packets.pts.length === expected.length) return made
    // From the beginning of the file there is no more to decode: the rest is damaged.
    if (isSubset && from === null) return { ...made, verdict: 'fewer pictures' }
  }
  throw failed('its decoded pictures have other times than the index')
}

/** Bytes of a pixel in the largest format, 16 bits in each of four planes. */
const RAW_BYTES_MAX = 8
