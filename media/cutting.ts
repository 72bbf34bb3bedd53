/**
 * Stream copies out of the source: one chunk, compared with the index packet by packet.
 *
 * Demuxers seek differently: where the first cut lacks packets of the chunk, the second one starts earlier, and the last one at the
 * beginning of the file.
 */
import { stat } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import type { Cut, SourceIndex } from '../protocol/media.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { ChunkPlan, Plan, Rational } from '../protocol/plan.ts'
import { type CutRange, createCutter, cutOffset } from './chunk-plan.ts'
import { packetArgs } from './commands/read.ts'
import { splitArgs } from './commands/split.ts'
import { noPackets, type PacketIndex, type Packets, takePacket } from './packet-index.ts'
import { rescale, secondsOf } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

/** One chunk to cut. Paths are absolute. */
export interface CutJob {
  readonly plan: Plan
  readonly chunk_id: number
  readonly source: string
  readonly index: SourceIndex
  readonly out: string
  readonly signal: AbortSignal
}

/** Allowance for the container: a stream copy is hardly larger than the source. */
const SLACK_BYTES = 64 * 1024 * 1024

/** Seconds before the keyframe at which the second try starts. */
const EARLIER_S = 3

/** Cuts one chunk into `out`, or returns the source itself where the plan has no cut. Rejects with `AttemptFailed`. */
export async function cutChunk(programs: Programs, job: CutJob): Promise<Cut> {
  const { plan, source } = job
  const chunk = plan.chunks[job.chunk_id]!
  const { start_pts, end_pts, cut } = chunk
  if (cut === null) return { path: source, start_pts, end_pts, time_base: plan.time_base }
  const index = job.index as PacketIndex & SourceIndex
  const range = cutterOf(index)(start_pts, job.chunk_id + 1 < plan.chunks.length ? end_pts : null)
  const seek = cut.seek_pts === null ? null : secondsOf(cut.seek_pts, plan.time_base)
  const seeks = seek === null ? [null] : [seek, seek - EARLIER_S, null]
  for (const from of seeks) {
    await split(programs, job, cut, from)
    const copiedPackets = await readCut(programs, job)
    const time_base = copiedPackets.timeBase
    if (time_base === null || !holds({ copiedPackets, index, range, plan, time_base })) continue
    const moved = (pts: number) => rescale(pts, plan.time_base, time_base, cutOffset(plan))
    return { path: job.out, start_pts: moved(start_pts), end_pts: moved(end_pts), time_base }
  }
  throw new AttemptFailed(
    'verify_failed',
    `chunk ${job.chunk_id} could not be cut: the copied packets differ from the index`,
  )
}

const cutters = new WeakMap<object, ReturnType<typeof createCutter>>()

function cutterOf(index: PacketIndex): ReturnType<typeof createCutter> {
  const cutter = cutters.get(index) ?? createCutter(index.packets)
  cutters.set(index, cutter)
  return cutter
}

async function split(
  { run, ffmpeg }: Programs,
  job: CutJob,
  cut: NonNullable<ChunkPlan['cut']>,
  seek: number | null,
): Promise<void> {
  const { plan } = job
  const args = splitArgs({
    source: job.source, stream: plan.video.stream, genpts: plan.genpts, seek,
    stop: cut.stop_dts === null ? null : secondsOf(cut.stop_dts, plan.time_base),
    offset: cutOffset(plan), out: job.out,
  }) // biome-ignore format: groups
  const outputBytesMax = (await stat(fsPath(job.source))).size + SLACK_BYTES
  await runOrFail(
    run,
    { program: ffmpeg, args, signal: job.signal, progress: true, outputBytesMax },
    `cutting chunk ${job.chunk_id}`,
  )
}

async function readCut({ run, ffprobe }: Programs, job: CutJob): Promise<Packets> {
  const packets = noPackets()
  const args = packetArgs({ source: job.out, stream: 0, genpts: false })
  await runOrFail(
    run,
    { program: ffprobe, args, signal: job.signal, onLine: (line) => takePacket(packets, line) },
    'reading a cut chunk',
  )
  return packets
}

interface CopiedPackets {
  readonly copiedPackets: Packets
  readonly index: PacketIndex
  readonly range: CutRange
  readonly plan: Plan
  readonly time_base: Rational
}

/** Whether the packets of the cut equal those of the index, from a keyframe not after the first of the range to at least its last. */
function holds({ copiedPackets, index, range, plan, time_base }: CopiedPackets): boolean {
  const { pts } = index.packets
  const moved = (at: number) => rescale(pts[at]!, plan.time_base, time_base, cutOffset(plan))
  let first = range.first
  while (first >= 0 && (Number.isNaN(pts[first]!) || moved(first) !== copiedPackets.pts[0])) first--
  if (first < 0 || first + copiedPackets.pts.length < range.last) return false
  return copiedPackets.pts.every((time, at) => {
    const expected = pts[first + at]
    return expected === undefined || Number.isNaN(expected) || Number.isNaN(time) || moved(first + at) === time
  })
}
