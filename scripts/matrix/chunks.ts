/**
 * One source cut into chunks by the first peer, as an ingest would, and encoded chunk by chunk by whoever is asked: what
 * the questions about equal bytes and about joins both start from.
 */
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { asSha256, videoId } from '../../protocol/ids.ts'
import type { Cut, EncodeResult, Media, SourceIndex } from '../../protocol/media.ts'
import type { Plan } from '../../protocol/plan.ts'
import { canonicalRecipe, type Recipe } from '../../protocol/recipe.ts'
import { ensureSource } from '../../testing/sources/make.ts'

export interface CutSource {
  readonly name: string
  readonly file: string
  readonly plan: Plan
  readonly cuts: readonly Cut[]
}

const STEP_MS = 300_000

/** What an ingest of this file would commit, and its index. The id means nothing here. */
export async function planSource(
  media: Media,
  file: string,
  recipe: Recipe,
): Promise<{ plan: Plan; index: SourceIndex }> {
  const signal = AbortSignal.timeout(STEP_MS)
  const probe = await media.probe(file, signal)
  const index = await media.index(file, probe, signal)
  const video_id = videoId(asSha256('0'.repeat(64)), canonicalRecipe(recipe))
  return { plan: await media.plan({ video_id, source: file, probe, index, recipe, signal }), index }
}

export async function cutSource(media: Media, job: { name: string; recipe: Recipe; dir: string }): Promise<CutSource> {
  const { name, recipe, dir } = job
  const file = await ensureSource(name)
  const { plan, index } = await planSource(media, file, recipe)
  const signal = AbortSignal.timeout(STEP_MS)
  const folder = await mkdtemp(join(dir, `${name}-cuts-`))
  const cuts: Cut[] = []
  for (const { chunk_id } of plan.chunks) {
    const out = join(folder, `${chunk_id}.nut`)
    cuts.push(await media.cut({ plan, chunk_id, source: file, index, out, signal }))
  }
  return { name, file, plan, cuts }
}

/** Encodes one chunk in the plan's only rendition. `outDir` is made. */
export async function encodeChunk(
  media: Media,
  job: { cut: CutSource; chunk_id: number; outDir: string },
): Promise<EncodeResult> {
  const { cut, chunk_id, outDir } = job
  const input = cut.cuts[chunk_id]
  const renditions = cut.plan.renditions.slice(0, 1).map(({ id }) => id)
  if (!input) throw new Error(`${cut.name} has no chunk ${chunk_id}`)
  await mkdir(outDir, { recursive: true })
  const signal = AbortSignal.timeout(STEP_MS)
  const [result] = await media.encode({ plan: cut.plan, chunk_id, input, renditions, outDir, signal })
  if (!result) throw new Error(`encoding chunk ${chunk_id} of ${cut.name} answered nothing`)
  return result
}
