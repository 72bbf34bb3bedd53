/**
 * Whether chunks of different builds join: those with equal parameter sets into an exact file, whoever joins them, and
 * those with unequal ones not at all: neither as a worker's result nor, slipped in, at the merge. A join of unequal
 * parameter sets says nothing and plays wrong.
 */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { Media, MergeJob } from '../../protocol/media.ts'
import { NO_METADATA } from '../../protocol/plan.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import { checkOutput } from '../../testing/sources/check.ts'
import { ensureSource, findSource } from '../../testing/sources/make.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { type CutSource, encodeChunk, planSource } from './chunks.ts'
import { RECIPE } from './exact.ts'
import { type Cell, type Peer, takesAll, why } from './peer.ts'

interface JoinJob {
  readonly cut: CutSource
  readonly peers: readonly Peer[]
  readonly dir: string
  readonly report: (sentence: string) => void
}

const JOIN_MS = 300_000

/**
 * Chunk after chunk by the next peer that takes the plan, ingest and sound by the first of the family; joined once by each of them. `family`: the
 * only ones that may take it.
 */
export async function mixedJoins(
  job: { name: string; recipe?: Recipe; family?: readonly Peer[] } & Omit<JoinJob, 'cut'>,
): Promise<Cell[]> {
  const { name, recipe = RECIPE, peers, family = peers, dir, report } = job
  const [planner] = family
  if (!planner) return []
  const source = findSource(name)
  const file = await ensureSource(name)
  const { plan } = await planSource(planner.media, file, recipe)
  const able = peers.filter((peer) => takesAll(peer, plan))
  const strangers = able.filter((peer) => !family.includes(peer))
  if (strangers.length > 0)
    throw new Error(`${strangers.map(({ build }) => build.name).join()} would mix other bytes into ${name}`)
  // Nobody else takes its chunks.
  if (family.length === 1) return peers.map((peer) => ({ text: peer === planner ? 'alone' : 'declined', ok: true }))
  if (plan.chunks.length < 2 || able.length < 2)
    throw new Error(`${plan.chunks.length} chunks of ${able.length} builds mix nothing`)
  const joined = new Map<Peer, string | Error>()
  const media: Media = {
    ...planner.media,
    encode: (work) => (able[work.chunk_id % able.length] ?? planner).media.encode(work),
    merge: async (work) => {
      for (const peer of able) {
        const [rendition] = work.renditions
        const out = `${rendition!.out}.${peer.build.name}.mp4`
        joined.set(peer, await joinAs(peer, { ...work, renditions: [{ ...rendition!, out }] }))
      }
    },
  }
  const outDir = await mkdtemp(join(dir, `mixed-${name}-`))
  await runPipeline(media, { source: file, recipe, outDir, signal: AbortSignal.timeout(JOIN_MS) })
  const cells = peers.map(async (peer): Promise<Cell> => {
    const output = joined.get(peer)
    if (output === undefined) return { text: 'declined', ok: true }
    const { ffmpeg, ffprobe } = planner.build
    const bitDepth = recipe.renditions[0]!.bit_depth
    const problems =
      output instanceof Error
        ? [why(output)]
        : (await checkOutput({ source, file, output, bitDepth, ffmpeg, ffprobe })).problems
    for (const problem of problems) report(`${name} joined by ${peer.build.name}: ${problem}`)
    return problems.length === 0 ? { text: 'exact', ok: true } : { text: 'WRONG', ok: false }
  })
  return await Promise.all(cells)
}

async function joinAs({ media }: Peer, job: MergeJob): Promise<string | Error> {
  try {
    await media.merge(job)
    return job.renditions[0]!.out
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Chunk 1 from `stranger`, whose parameter sets are others: refused by its own verify, and by every peer's merge. */
export async function refusals({
  cut,
  peers,
  dir,
  report,
  stranger,
}: JoinJob & { stranger: { media: Media; cut: CutSource; name: string } }): Promise<Cell[]> {
  const able = peers.filter((peer) => takesAll(peer, cut.plan))
  const [own] = able
  if (!own) throw new Error(`no build takes ${cut.name}`)
  const strange = join(dir, `strange-${stranger.name}`)
  // With its own plan it is content; with the mesh's plan it must not be.
  const slipped = await encodeChunk(stranger.media, { cut: stranger.cut, chunk_id: 1, outDir: strange })
  if (!slipped.ok) throw slipped.failure
  const chunks: string[] = []
  for (const { chunk_id } of cut.plan.chunks) {
    const outDir = join(dir, `own-${stranger.name}-${chunk_id}`)
    const result = await encodeChunk(own.media, { cut, chunk_id, outDir })
    if (!result.ok) throw result.failure
    chunks.push(result.path)
  }
  chunks[1] = slipped.path
  const cells: Cell[] = []
  for (const peer of peers) {
    const out = join(dir, `refused-${stranger.name}-${peer.build.name}.mp4`)
    cells.push(
      await refusedCell(
        merge(peer.media, { cut, chunks, out }),
        `${stranger.name} joined by ${peer.build.name}`,
        report,
      ),
    )
  }
  return cells
}

async function refusedCell(act: Promise<unknown>, what: string, report: (sentence: string) => void): Promise<Cell> {
  try {
    await act
    report(`${what}: unequal parameter sets were joined`)
    return { text: 'JOINED', ok: false }
  } catch (error) {
    if (error instanceof AttemptFailed && error.code === 'verify_failed') return { text: 'refused', ok: true }
    report(`${what}: ${why(error)}`)
    return { text: 'FAILED', ok: false }
  }
}

async function merge(media: Media, job: { cut: CutSource; chunks: readonly string[]; out: string }): Promise<void> {
  const { cut, chunks, out } = job
  const [rendition] = cut.plan.renditions
  if (!rendition) throw new Error(`${cut.name} has no rendition`)
  const plan = { ...cut.plan, audio: [], subtitles: [], chapters: 0, metadata: NO_METADATA }
  await media.merge({
    plan,
    renditions: [{ rendition: rendition.id, chunks, out }],
    audio: null,
    extra: null,
    signal: AbortSignal.timeout(JOIN_MS),
  })
}
