/** The poster and the thumbnails of a package. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PackageJob } from '../../protocol/media.ts'
import { type Plan, planSeconds, type RenditionPlan, sinceStart } from '../../protocol/plan.ts'
import { writeChunkList } from '../chunk-list.ts'
import { imageArgs } from '../commands/images.ts'
import { secondsOf } from '../rational.ts'
import { type Programs, runOrFail } from '../run-ffmpeg.ts'
import type { ThumbnailFacts } from './facts.ts'
import { sheetName } from './hls.ts'

/** The file of the poster. */
export const POSTER = 'poster.jpg'
/** The poster is the picture at this share of the film, and at most so late, seconds: films begin black. */
const POSTER_AT = { share: 0.1, secondsMax: 60 }
/** The largest side of a poster, and of a thumbnail, pixels. */
const [POSTER_SIDE, THUMBNAIL_SIDE] = [1280, 160]
const SHEET = { columns: 5, rows: 5 }
/** Seconds for which a thumbnail stands, by the length of the film: previews of long films need not be finer, and sheets stay few. */
const INTERVALS = [
  { upTo: 3_600, interval: 5 },
  { upTo: Number.POSITIVE_INFINITY, interval: 10 },
]
const IMAGE_BYTES_MAX = 64 * 1024 * 1024

/** Makes the images in `outDir`. `seconds`: length of the film. Rejects with `AttemptFailed`. */
export async function makeImages(
  { run, ffmpeg }: Programs,
  { plan, renditions, outDir, seconds, signal }: PackageJob & { readonly seconds: number },
): Promise<ThumbnailFacts> {
  // JPEG has 8 bits: a rendition that has them too shows the colours as they should be.
  const facts = plan.renditions.filter(({ bit_depth }) => bit_depth === 8)
  const candidates = facts.length > 0 ? facts : plan.renditions
  const smallest = candidates[0]!
  const forPoster = candidates.findLast(({ width, height }) => Math.max(width, height) <= POSTER_SIDE) ?? smallest
  const chunksOf = ({ id }: RenditionPlan) => renditions.find(({ rendition }) => rendition === id)!.chunks
  const { interval } = INTERVALS.find(({ upTo }) => seconds <= upTo)!
  const name = 'thumbnails'
  const size = sizeWithin(smallest, THUMBNAIL_SIDE)
  const poster = posterPlace(plan)
  const dir = await mkdtemp(join(dirname(outDir), '.images-'))
  try {
    const list = await writeChunkList(join(dir, 'chunks'), chunksOf(smallest), plan)
    const args = imageArgs({
      poster: {
        chunk: chunksOf(forPoster)[poster.chunk]!,
        at: poster.at,
        ...sizeWithin(forPoster, POSTER_SIDE),
        out: join(outDir, POSTER),
      },
      thumbnails: { list, ...size, ...SHEET, interval, out: join(outDir, `${name}-%05d.jpg`) },
    })
    const folders = [dir, ...chunksOf(smallest).map(dirname)]
    const job = { program: ffmpeg, args, signal, folders, outputBytesMax: IMAGE_BYTES_MAX }
    await runOrFail(run, job, 'making the images of the package')
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  const count = (await readdir(outDir)).filter((file) => file.startsWith(`${name}-`)).length
  const sheets: number[] = []
  for (let at = 0; at < count; at++) sheets.push((await stat(join(outDir, sheetName(name, at)))).size)
  return { name, ...size, ...SHEET, interval, sheets }
}

/** The chunk that holds the picture of the poster, and where in it, seconds. */
function posterPlace(plan: Plan): { chunk: number; at: number } {
  const startOf = (chunk: number) => secondsOf(sinceStart(plan, plan.chunks[chunk]!.start_pts), plan.time_base)
  const wanted = Math.min(POSTER_AT.secondsMax, POSTER_AT.share * planSeconds(plan))
  const chunk = plan.chunks.findLastIndex((_, at) => startOf(at) <= wanted)
  return { chunk, at: wanted - startOf(chunk) }
}

/** The size of a picture within a square of `side` pixels; even, and never larger than it is. */
function sizeWithin(
  { width, height }: { width: number; height: number },
  side: number,
): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height))
  const even = (length: number) => Math.max(2, 2 * Math.round((length * scale) / 2))
  return { width: even(width), height: even(height) }
}
