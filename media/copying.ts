/**
 * Copies of chunks by ffmpeg, not yet compared with anything.
 *
 * A start of ffmpeg takes more CPU than the copy of a chunk. Chunks that will be asked for next are therefore copied by one process, into
 * files beside that of the first, where they wait.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { identityAt } from '../files/file-hashes.ts'
import { AttemptFailed } from '../protocol/errors.ts'
import type { SourceIndex } from '../protocol/media.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { ChunkPlan } from '../protocol/plan.ts'
import { isShortFilm } from '../protocol/short-film.ts'
import { type CutRange, createCutter } from './chunk-plan.ts'
import { hashArgs } from './commands/read.ts'
import { type SplitJob, splitArgs } from './commands/split.ts'
import { type Container, type CutPlan, shiftOf } from './cut-formats.ts'
import { noPackets, type PacketIndex, type Packets, takeHashed } from './packet-index.ts'
import { secondsOf } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

/** One chunk to cut. Paths are absolute. */
export interface CutJob {
  readonly plan: CutPlan
  readonly chunk_id: number
  readonly source: string
  readonly index: SourceIndex
  readonly out: string
  readonly signal: AbortSignal
}

/** Allowance for the container: a stream copy is hardly larger than the source. */
export const SLACK_BYTES = 64 * 1024 * 1024

/** Seconds before the keyframe at which the second try starts. */
const EARLIER_S = 3

/** Most chunks that one process copies, and most bytes of them that wait. */
const TOGETHER_MAX = 8
const WAITING_BYTES_MAX = 64 * 1024 * 1024

/** Failures of ffmpeg at a container or codec: another way may succeed. */
const OF_THE_WAY = new Set(['encode_failed', 'verify_failed', 'build_cannot', 'out_of_bounds', 'stalled'])

/** Whether an error says only that this way to cut does not work. */
export const isOfTheWay = (error: unknown): boolean => error instanceof AttemptFailed && OF_THE_WAY.has(error.code)

/** Seconds to read a chunk from, one after another until its copy has all packets; null: the beginning of the file. */
export function seeksOf({ plan, chunk_id }: CutJob): readonly [number | null, ...(number | null)[]] {
  const seek_pts = plan.chunks[chunk_id]?.cut?.seek_pts ?? null
  if (seek_pts === null) return [null]
  const seek = secondsOf(seek_pts, plan.time_base)
  return [seek, seek - EARLIER_S, null]
}

const packetsOf = ({ index }: CutJob) => (index as PacketIndex & SourceIndex).packets

const cutters = new WeakMap<object, ReturnType<typeof createCutter>>()

/** The packets of a chunk. */
export function rangeOf(job: CutJob): CutRange {
  const { plan, chunk_id } = job
  const packets = packetsOf(job)
  const cutter = cutters.get(packets) ?? createCutter(packets)
  cutters.set(packets, cutter)
  const { start_pts, end_pts } = plan.chunks[chunk_id]!
  return cutter(start_pts, chunk_id + 1 < plan.chunks.length ? end_pts : null, plan.run_in)
}

/** How the times of a chunk are moved in this container. */
export const shiftOfChunk = (job: CutJob, container: Container): ReturnType<typeof shiftOf> =>
  shiftOf(container, job.plan, packetsOf(job).pts[rangeOf(job).first]!)

/** Copies one chunk into `out`, read from `from`. Rejects with `AttemptFailed`. */
export async function copyPackets(
  programs: Programs,
  job: CutJob,
  { container, from }: { readonly container: Container; readonly from: number | null },
): Promise<void> {
  await split(programs, job, [splitJob(job, container, from)], `cutting chunk ${job.chunk_id}`)
}

/** A copy from the first of `seeksOf`, in a file beside that of the chunk it was made with. */
interface Waiting {
  readonly path: string
  /** What is in it; null where that was not read. */
  readonly packets: Packets | null
  /** Of the source before it was copied. */
  readonly identity: string | null
}

/** By the packets of the source, then by chunk and all that its copy depends on. */
const waiting = new WeakMap<object, Map<string, Waiting>>()

const keyOf = ({ plan, chunk_id }: CutJob, container: Container): string => `${container}-${plan.run_in}-${chunk_id}`

/**
 * Moves a copy that waits to `out`; null where there is none any more, or the source was changed or away since: another file may have lain
 * there when it was made.
 */
export async function takeWaiting(job: CutJob, container: Container): Promise<Pick<Waiting, 'packets'> | null> {
  const key = keyOf(job, container)
  const found = waiting.get(packetsOf(job))?.get(key)
  if (found === undefined) return null
  waiting.get(packetsOf(job))?.delete(key)
  if (found.identity === null || found.identity !== (await identityAt(job.source))) {
    await rm(found.path, { force: true })
    return null
  }
  return await rename(found.path, job.out).then(
    () => found,
    () => null,
  )
}

/** Copies several chunks by one process, and with `read` reads them by another; they wait. Where that fails, none does. */
export async function copyTogether(
  programs: Programs,
  jobs: readonly CutJob[],
  container: Container,
  read = false,
): Promise<void> {
  const [first] = jobs
  if (first === undefined || jobs.length < 2) return
  const paths = jobs.map((job) => join(dirname(job.out), `waiting-${keyOf(job, container)}`))
  try {
    const identity = await identityAt(first.source)
    const copies = jobs.map((job, at) => ({ ...splitJob(job, container, seeksOf(job)[0]), out: paths[at]! }))
    await split(programs, first, copies, `cutting chunks ${first.chunk_id} to ${jobs.at(-1)?.chunk_id}`)
    const packets = read ? await hashPackets(programs, paths, first.signal) : []
    const own = waiting.get(packetsOf(first)) ?? new Map<string, Waiting>()
    waiting.set(packetsOf(first), own)
    for (const [at, job] of jobs.entries())
      own.set(keyOf(job, container), { path: paths[at]!, packets: packets[at] ?? null, identity })
  } catch (error) {
    await Promise.all(paths.map((path) => rm(path, { force: true })))
    if (!isOfTheWay(error)) throw error
  }
}

/** The times, sizes and hashes of the packets of each file, as a copy of them has. */
async function hashPackets(
  { run, ffmpeg }: Programs,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Packets[]> {
  const files = paths.map(noPackets)
  const onLine = (line: string) => takeHashed(files, line)
  await runOrFail(run, { program: ffmpeg, args: hashArgs(paths), signal, onLine }, 'reading cut chunks')
  return files
}

/** The chunk that was asked for last, by the packets of its source. */
const asked = new WeakMap<object, number>()

/** Copies a chunk and those after it together where they are asked for one after another. `isMade`: of a chunk that needs no copy. */
export async function copyAhead(
  programs: Programs,
  job: CutJob,
  container: Container,
  isMade: (chunk_id: number) => boolean,
): Promise<void> {
  const { plan, chunk_id } = job
  const packets = packetsOf(job)
  // All of a short film are copied at once: the second would not be ready sooner by itself.
  const before = asked.get(packets) ?? (isShortFilm(plan) ? -1 : undefined)
  const isNext = before === chunk_id - 1
  asked.set(packets, chunk_id)
  if (!isNext || isMade(chunk_id) || waiting.get(packets)?.has(keyOf(job, container))) return
  const jobs: CutJob[] = []
  let bytes = 0
  for (let id = chunk_id; id < plan.chunks.length && jobs.length < TOGETHER_MAX; id++) {
    const next = { ...job, chunk_id: id }
    const { first, last } = rangeOf(next)
    bytes += packets.size.slice(first, last).reduce((total, size) => total + size, 0)
    if (!(bytes <= WAITING_BYTES_MAX)) break
    if (!isMade(id)) jobs.push(next)
  }
  await copyTogether(programs, jobs, container, true)
}

function splitJob(job: CutJob, container: Container, from: number | null): SplitJob {
  const { plan, source, out } = job
  const { stop_dts } = plan.chunks[job.chunk_id]!.cut as NonNullable<ChunkPlan['cut']>
  return {
    source, stream: plan.video.stream, genpts: plan.genpts, seek: from,
    stop: stop_dts === null ? null : secondsOf(stop_dts, plan.time_base),
    offset: shiftOfChunk(job, container).offset, container, timeBase: plan.time_base, out,
  } // biome-ignore format: groups
}

async function split(
  { run, ffmpeg }: Programs,
  { source, signal }: CutJob,
  jobs: readonly SplitJob[],
  what: string,
): Promise<void> {
  const outputBytesMax = (await stat(fsPath(source))).size + SLACK_BYTES
  await runOrFail(run, { program: ffmpeg, args: splitArgs(jobs), signal, progress: true, outputBytesMax }, what)
}
