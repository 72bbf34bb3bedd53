/**
 * A source through all of `media/` on one machine and without a mesh: probe, index, plan, cut, encode, audio, merge, in
 * the order a mesh would see them. What comes out is what `check.ts` is asked about.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { asSha256, type VideoId, videoId } from '../../protocol/ids.ts'
import type { Extras, JoinedRendition, Media, PackagedFile, SoundPartTaker } from '../../protocol/media.ts'
import { notesOf, type Plan, packagingOf } from '../../protocol/plan.ts'
import { canonicalRecipe, type Recipe } from '../../protocol/recipe.ts'
import type { Box, RenditionId } from '../../protocol/rendition.ts'
import { isOneEncode } from '../../protocol/short-film.ts'

export interface PipelineJob {
  readonly source: string
  readonly recipe: Recipe
  /** An existing folder of its own. */
  readonly outDir: string
  readonly signal: AbortSignal
  /** The file of the key of the package; absent: none. */
  readonly key?: string | undefined
  /** Chunks encoded at once; 2 where nothing is said. */
  readonly slots?: number
  /** Takes the parts of a sound that has an encode of its own. */
  readonly soundParts?: SoundPartTaker
}

export interface PipelineResult {
  readonly plan: Plan
  /** With the box that the recipe asks for. */
  readonly outputs: readonly { readonly rendition: RenditionId; readonly box: Box; readonly path: string }[]
  /** Where the streaming package is, with the files that it should have; null where the recipe asks for none. */
  readonly packaged: { readonly dir: string; readonly files: readonly PackagedFile[] } | null
  /** The plan's notes, and those of the merges. */
  readonly notes: readonly string[]
}

/** Rejects as the media adapter does: `SourceRefused` for what is no film. */
export async function runPipeline(media: Media, job: PipelineJob): Promise<PipelineResult> {
  const { source, recipe, outDir, signal } = job
  const probe = await media.probe(source, signal)
  const index = await media.index(source, probe, signal)
  const plan = await media.plan({ video_id: await idOf(job), source, probe, index, recipe, signal })
  const encoded = new Map<number, ReadonlyMap<RenditionId, string>>()
  await inTurns(plan.chunks, job.slots ?? 2, async ({ chunk_id }) => {
    const input = await media.cut({ plan, chunk_id, source, index, out: join(outDir, `${chunk_id}.nut`), signal })
    const chunkDir = await folder(outDir, `chunk-${chunk_id}`)
    const renditions = plan.renditions.map(({ id }) => id)
    const sound = isOneEncode(plan) && { sound: join(outDir, 'audio.m4a') }
    const results = await media.encode({ plan, chunk_id, input, renditions, outDir: chunkDir, ...sound, signal })
    encoded.set(chunk_id, new Map(results.map((result) => [result.rendition, pathOf(result)])))
  })
  const extras = await media.extras({ plan, source, index, outDir: await folder(outDir, 'extras'), signal })
  const audio = await encodeAudio(media, job, plan, extras)
  const notes = notesOf(plan.fates)
  const [outputs, renditions]: [PipelineResult['outputs'][number][], JoinedRendition[]] = [[], []]
  for (const { id: rendition, box } of recipe.renditions) {
    if (!plan.renditions.some(({ id }) => id === rendition)) continue
    const path = join(outDir, `${basename(source).replace(/\.\w+$/, '')}-${rendition}.${packagingOf(plan)}`)
    const chunks = plan.chunks.map(({ chunk_id }) => encoded.get(chunk_id)?.get(rendition) ?? '')
    outputs.push({ rendition, box, path })
    renditions.push({ rendition, chunks, out: path })
  }
  const onNote = (sentence: string) => void notes.push(sentence)
  await media.merge({ plan, renditions, audio, extra: extras.other, onNote, signal })
  const dir = recipe.package ? await folder(outDir, 'package') : ''
  const files = recipe.package
    ? await media.package({
        plan,
        package: recipe.package,
        key: job.key ?? null,
        renditions,
        audio,
        extra: extras.other,
        outDir: dir,
        signal,
      })
    : null
  return { plan, outputs, packaged: files && { dir, files }, notes }
}

type Encoded = Awaited<ReturnType<Media['encode']>>[number]

function pathOf(result: Encoded): string {
  if (!result.ok) throw result.failure
  return result.path
}

async function encodeAudio(media: Media, job: PipelineJob, plan: Plan, extras: Extras): Promise<string | null> {
  if (extras.audio === null) return null
  const out = join(job.outDir, 'audio.m4a')
  if (isOneEncode(plan)) return out
  await media.audio({ plan, input: extras.audio, out, parts: job.soundParts, signal: job.signal })
  return out
}

async function idOf({ source, recipe }: PipelineJob): Promise<VideoId> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(source)) hash.update(part as Buffer)
  return videoId(asSha256(hash.digest('hex')), canonicalRecipe(recipe))
}

async function folder(...parts: string[]): Promise<string> {
  const path = join(...parts)
  await mkdir(path, { recursive: true })
  return path
}

/** Runs `act` for every item, `slots` at a time, in order. */
async function inTurns<Item>(items: readonly Item[], slots: number, act: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  const work = async () => {
    for (const item of left) await act(item)
  }
  await Promise.all(Array.from({ length: slots }, work))
}
