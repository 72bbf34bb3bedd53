/**
 * Trial cuts: how the chunks of a video can be cut so that they decode to the pictures of the source. Run before the plan is committed,
 * by the ffmpeg that will cut.
 *
 * The first chunk and a later one are cut in one way after another. Of each, the first pictures and some of the last are decoded from
 * the source and from the cut, all by one ffmpeg, and compared. A codec that no container holds is coded again without loss; where that
 * cannot be either, or would be too large, the source is not cut.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import type { ChunkPlan, CutFormat, Plan } from '../protocol/plan.ts'
import { planChunks } from './chunk-plan.ts'
import { compareArgs, type ShownRange } from './commands/read.ts'
import { type CutJob, copyTogether, isOfTheWay } from './copying.ts'
import { type CutPlan, cutFormatsFor } from './cut-formats.ts'
import { codeLossless, copyChunk, keepCut, type MadeCut, refuseChanged } from './cutting.ts'
import type { PacketIndex } from './packet-index.ts'
import { secondsOf } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'

/** A source to cut, and what its plan says so far. */
export interface TrialJob {
  readonly source: string
  readonly index: PacketIndex
  readonly plan: Omit<CutPlan, 'chunks' | 'cut_format' | 'run_in'>
  /** As in `ChunkSource`. */
  readonly encodeCores: number
  readonly oneAtATime: boolean
  /** Times at which a chunk must begin. */
  readonly breaks: readonly number[]
  readonly signal: AbortSignal
}

/** How to cut, and the chunks. */
export type Cutting = Pick<Plan, 'cut_format' | 'run_in' | 'closed_cuts' | 'chunks'>

/** Keyframes by which a cut may begin earlier, where the decoder drops pictures after a keyframe. */
const RUN_IN_MAX = 2
/** Largest files of a video that is coded again: a few times its source, or what any disk has. */
const LOSSLESS_SHARE_MAX = 4
const LOSSLESS_BYTES = 8 * 1024 ** 3

/** The first way that shows the pictures of the source; null where none does, so that it must be read straight. */
export async function chooseCutting(programs: Programs, job: TrialJob): Promise<Cutting | null> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-trial-'))
  try {
    for (const cut_format of cutFormatsFor(job.plan.video)) {
      const cutting = await tryFormat(programs, { ...job, dir }, cut_format)
      if (cutting !== null) return cutting
    }
    return null
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

type Trial = TrialJob & { readonly dir: string }

/** Where pictures are missing after a keyframe, cuts that begin earlier are tried; where these miss them too, they are damaged. */
async function tryFormat(programs: Programs, job: Trial, cut_format: CutFormat): Promise<Cutting | null> {
  let damaged: Cutting | null = null
  for (let run_in = 0; run_in <= RUN_IN_MAX; run_in++) {
    const { index, plan, encodeCores, oneAtATime, breaks } = job
    const of = { time_base: plan.time_base, encodeCores, oneAtATime, run_in, breaks }
    const chunks = planChunks({ ...index, ...of, whole: false })
    const cutting = { cut_format, run_in, chunks }
    const shown = await tryCuts(programs, job, { ...plan, ...cutting })
    if (shown === 'other pictures') return damaged
    if (shown === 'same') return cutting
    damaged ??= cutting
  }
  return damaged
}

type Shown = 'same' | 'other pictures' | 'missing after a keyframe'

interface TrialCut {
  readonly made: MadeCut
  readonly chunk: ChunkPlan
}

async function tryCuts(programs: Programs, job: Trial, plan: CutPlan): Promise<Shown> {
  const ids = [...new Set([0, cheapest(plan)])]
  try {
    const cuts = await makeCuts(programs, job, plan, ids)
    if (cuts === null) return 'other pictures'
    const pairs = cuts.flatMap((cut) => pairsOf(job, plan, cut))
    const shown = verdictOf(pairs, await decoded(programs, job, pairs))
    if (shown !== 'other pictures')
      await Promise.all(cuts.map(({ made, chunk }) => keepCut(job.index, plan, chunk, made)))
    return shown
  } catch (error) {
    if (isOfTheWay(error)) return 'other pictures'
    throw error
  }
}

/**
 * The chunk behind the first of which the least is decoded before its pictures, among those that a seek finds; of equals the nearest to the middle. A
 * cut that begins with its chunk shows the most: a decoder that needs more than the keyframe shows it at once.
 */
function cheapest({ chunks, start_pts }: CutPlan): number {
  const middle = chunks.length >> 1
  const isSought = ({ cut }: ChunkPlan) => typeof cut?.seek_pts === 'number'
  const runIn = ({ start_pts: start, cut }: ChunkPlan) => start - (cut?.seek_pts ?? start_pts)
  const fromMiddle = ({ chunk_id }: ChunkPlan) => Math.abs(chunk_id - middle)
  const [best] = chunks
    .slice(1)
    .sort((a, b) => Number(isSought(b)) - Number(isSought(a)) || runIn(a) - runIn(b) || fromMiddle(a) - fromMiddle(b))
  return best?.chunk_id ?? 0
}

/** The trial cuts; null where the way does not do. A chunk that alone cannot be copied is coded again, as it will be in the ingest. */
async function makeCuts(
  programs: Programs,
  job: Trial,
  plan: CutPlan,
  ids: readonly number[],
): Promise<TrialCut[] | null> {
  const { cut_format } = plan
  const jobs = ids.map((chunk_id): CutJob => ({ ...job, plan, chunk_id, out: join(job.dir, String(chunk_id)) }))
  let cuts: (MadeCut | null)[] = []
  if (cut_format === 'lossless' || cut_format === 'none')
    for (const cutJob of jobs) cuts.push(await codeLossless(programs, cutJob))
  else {
    await copyTogether(programs, jobs, cut_format)
    cuts = await Promise.all(jobs.map((cutJob) => copied(programs, cutJob, cut_format)))
  }
  if (cut_format === 'lossless' && (await isTooLarge(job, plan, ids))) return null
  if (cuts.every((made) => made === null)) return null
  for (const [at, cutJob] of jobs.entries()) cuts[at] ??= await codeLossless(programs, cutJob)
  return cuts.map((made, at) => ({ made: made!, chunk: plan.chunks[ids[at]!]! }))
}

/** Null where the copy has other times than the index, or another pixel format than the source. */
async function copied(programs: Programs, job: CutJob, container: Parameters<typeof copyChunk>[2]) {
  const made = await copyChunk(programs, job, container)
  if (made.verdict === 'other bytes') await refuseChanged(programs, job)
  else if (made.verdict !== 'same') return null
  const samples = (format: string) => format.replace(/^yuvj/, 'yuv')
  const { pixel_format } = job.plan.video
  if (pixel_format !== '' && samples(made.pixelFormat) !== samples(pixel_format))
    throw new AttemptFailed('verify_failed', `a cut is read as ${made.pixelFormat}, the source as ${pixel_format}`)
  return made
}

async function isTooLarge({ dir, source }: Trial, { chunks }: CutPlan, ids: readonly number[]): Promise<boolean> {
  const sizes = await Promise.all(ids.map(async (id) => (await stat(join(dir, String(id)))).size))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const perFrame = sum(sizes) / sum(ids.map((id) => chunks[id]!.frames))
  const expected = perFrame * sum(chunks.map(({ frames }) => frames))
  return expected > Math.max(LOSSLESS_BYTES, LOSSLESS_SHARE_MAX * (await stat(fsPath(source))).size)
}

/** Pictures of a chunk, in ticks of the source. */
interface Stretch {
  /** Keyframe to seek to; null: the pictures are read from where the cut begins. */
  readonly key: number | null
  readonly start_pts: number
  readonly end_pts: number
  /** Times that the index has there, in ticks from its start. */
  readonly times: readonly number[]
}

/** The same stretch, of the source and of a cut. */
interface Pair extends Stretch {
  readonly ranges: readonly [ShownRange, ShownRange]
  /** Whether a cut that begins earlier could show more. */
  readonly isAfterKey: boolean
}

/** Pixels to decode at the beginning of a chunk: all pictures of a small one. Of a large one as few pictures as show that B-frames do. */
const PIXELS = 10e6
const PICTURES_MIN = 4

function pairsOf({ source, index }: Trial, plan: CutPlan, { made, chunk }: TrialCut): Pair[] {
  const { time_base, genpts, video } = plan
  const most = Math.max(PICTURES_MIN, Math.floor(PIXELS / (video.width * video.height)))
  return stretchesOf(index, chunk, most).map((stretch) => {
    const { key, start_pts, end_pts } = stretch
    const common = { filters: made.filters }
    const own = { path: source, stream: video.stream, genpts, timeBase: time_base, start_pts, end_pts }
    const cut = { path: made.path, stream: 0, genpts: false, timeBase: made.time_base }
    const range = { start_pts: made.moved(start_pts), end_pts: made.moved(end_pts) }
    const seek = key === null ? null : secondsOf(made.moved(key), made.time_base)
    return {
      ...stretch,
      ranges: [
        { ...common, ...own, seek: key === null ? made.from : secondsOf(key, time_base) },
        { ...common, ...cut, ...range, seek },
      ],
      isAfterKey: key === null && chunk.cut?.seek_pts !== null,
    }
  })
}

/** The first pictures of a chunk; and where these are not all the last ones, if a keyframe is so near that they cost little. */
function stretchesOf({ packets, times }: PacketIndex, chunk: ChunkPlan, most: number): Stretch[] {
  const own = times.filter((time) => time >= chunk.start_pts && time < chunk.end_pts)
  const stretch = (from: number, to: number, key: number | null): Stretch => {
    const start_pts = own[from]!
    const shown = own.slice(from, to).map((time) => time - start_pts)
    return { key, start_pts, end_pts: own[to] ?? chunk.end_pts, times: shown }
  }
  const head = stretch(0, most, null)
  const last = own.length - PICTURES_MIN
  const keys = packets.pts.filter((pts, at) => packets.key[at] && pts >= head.end_pts && pts <= own[last]!)
  const key = keys.at(-1)
  if (key === undefined) return [head]
  return last - own.indexOf(key) > most ? [head] : [head, stretch(last, own.length, key)]
}

/** A decoded picture: its time from the start of its stretch, in ticks of its input; its checksum. */
interface Decoded {
  readonly pts: number
  readonly sum: string
}

/** The pictures of every range, decoded by one ffmpeg. */
async function decoded({ run, ffmpeg }: Programs, { signal }: Trial, pairs: readonly Pair[]): Promise<Decoded[][]> {
  const ranges: Decoded[][] = pairs.flatMap(() => [[], []])
  const onLine = (line: string) => {
    const [range, , pts, , ...picture] = line.split(',')
    if (!line.startsWith('#'))
      ranges[Number(range)]?.push({ pts: Number(pts), sum: picture.join().replaceAll(' ', '') })
  }
  const args = compareArgs(pairs.flatMap((pair) => pair.ranges))
  await runOrFail(run, { program: ffmpeg, args, signal, onLine }, 'comparing a cut with its source')
  return ranges
}

/** Share (0–1) of the pictures of a damaged source that its cut must show: damage may move some in time, garbage shows none. */
const DAMAGED_SHARE_MIN = 0.5

function verdictOf(pairs: readonly Pair[], ranges: readonly Decoded[][]): Shown {
  const seen = pairs.map((pair, at) => ({
    pair,
    source: ranges[2 * at]!,
    cut: ranges[2 * at + 1]!.map(({ sum }) => sum),
  }))
  const isOther = ({ pair, source, cut }: (typeof seen)[number]) => {
    const isSound = source.map(({ pts }) => pts).join() === pair.times.join()
    if (isSound) return source.map(({ sum }) => sum).join() !== cut.join()
    // A demuxer that seeks badly misses pictures: nothing to compare with.
    if (pair.key !== null) return false
    const known = new Set(cut)
    return source.filter(({ sum }) => known.has(sum)).length < source.length * DAMAGED_SHARE_MIN
  }
  if (seen.some(isOther)) return 'other pictures'
  const isMissing = seen.some(({ pair, source }) => pair.isAfterKey && source.length < pair.times.length)
  return isMissing ? 'missing after a keyframe' : 'same'
}
