/** Tracks of films that are being encoded: what is listed of the first chunks is what the finished track has there, byte for byte. */
import assert from 'node:assert/strict'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import type { Plan, RenditionPlan } from '../../protocol/plan.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, signal } from '../film.test-support.ts'
import { type Bytes, readTracks, type Track } from '../mp4.ts'
import { expectedBandwidth, growingPlaylist } from './growing-hls.ts'
import {
  chunkFragments,
  chunkSegments,
  fragmentPieces,
  type GrowingSegment,
  growingSegments,
  inBlocks,
  longestSegment,
} from './growing-track.ts'
import { initOf } from './init.ts'
import { pictureHead } from './picture-head.ts'
import { readTrackIndex } from './track-index.ts'

const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([64], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
  package: { formats: ['hls'] },
}
const media = createFfmpegMedia({ ffmpeg: FFMPEG, ffprobe: FFPROBE, sandbox: 'off', clock, rng })

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-growing-'))
})
after(() => rm(dir, { recursive: true, force: true }))

/** The encoded chunks of a film, and its finished track. */
async function encoded(name: string, film: readonly string[]) {
  const source = join(dir, name)
  await ffmpeg(...film, '-preset', 'ultrafast', '-bf', '3', '-g', '50', `file:${source}`)
  const outDir = await mkdtemp(join(dir, 'out-'))
  const { plan, packaged } = await runPipeline(media, { source, recipe: RECIPE, outDir, signal })
  const rendition = plan.renditions[0]!
  const files = await Promise.all(plan.chunks.map(({ chunk_id }) => fileOf(join(outDir, `chunk-${chunk_id}`))))
  const tracks = await Promise.all(files.map(async (bytes) => (await readTracks(inBlocks(inMemory(bytes))))[0]!))
  const finished = await readFile(join(packaged!.dir, `video-${rendition.id}.mp4`))
  return { plan, rendition, files, tracks, finished }
}

async function fileOf(folder: string): Promise<Buffer> {
  const [name] = (await readdir(folder)).filter((each) => each.endsWith('.mp4'))
  return await readFile(join(folder, name!))
}

const inMemory = (bytes: Buffer): Bytes => ({
  size: bytes.length,
  read: async (into, position) => bytes.copy(into, 0, position),
})

/** What is listed while so many chunks are there. */
function listed(tracks: readonly Track[], plan: Plan, rendition: RenditionPlan) {
  const { delay } = pictureHead(tracks[0]!, rendition, plan).head
  const chunks = tracks.map((track, chunk) => chunkFragments(track, plan, { chunk, delay }))
  const segments = growingSegments(
    chunks.map((fragments) => chunkSegments(fragments, plan.track_timescale)),
    plan,
  )
  return { chunks, segments }
}

function bytesOf(
  { chunk, before, fragments, hasTail }: GrowingSegment,
  {
    chunks,
    tracks,
    files,
  }: { chunks: ReturnType<typeof listed>['chunks']; tracks: readonly Track[]; files: readonly Buffer[] },
): Buffer {
  const of = (at: number, from: number, to?: number) =>
    [...fragmentPieces(chunks[at]!.slice(from, to), tracks[at]!)].map((piece) =>
      Buffer.isBuffer(piece) ? piece : files[at]!.subarray(piece.start, piece.start + piece.length),
    )
  return Buffer.concat([...of(chunk, before, before + fragments), ...(hasTail ? of(chunk + 1, 0) : [])])
}

async function check(made: Awaited<ReturnType<typeof encoded>>): Promise<void> {
  const { plan, rendition, tracks, finished } = made
  const { init, timescale, segments: ranges } = await readTrackIndex(inMemory(finished))
  assert.equal(timescale, plan.track_timescale)
  assert.deepEqual(initOf(pictureHead(tracks[0]!, rendition, plan).head), finished.subarray(0, init))
  let shown = ''
  for (let count = 1; count <= tracks.length; count++) {
    const { chunks, segments } = listed(tracks.slice(0, count), plan, rendition)
    for (const [at, segment] of segments.entries()) {
      const { offset, bytes, duration } = ranges[at]!
      assert.deepEqual([segment.bytes, segment.duration], [bytes, duration], `segment ${at} of ${count} chunks`)
      assert.ok(bytesOf(segment, { ...made, chunks }).equals(finished.subarray(offset, offset + bytes)))
      assert.ok(duration / timescale < longestSegment(plan) + 0.5)
    }
    const named = segments.map(({ duration }, at) => ({ name: `${at}.m4s`, duration }))
    const isWhole = count === tracks.length
    const text = growingPlaylist({
      init: 'init.mp4',
      segments: named,
      timescale,
      longest: longestSegment(plan),
      isWhole,
      key: null,
    })
    assert.ok(text.startsWith(shown), 'it only grows')
    shown = text
    assert.equal(segments.length === ranges.length, isWhole)
  }
  assert.ok(shown.endsWith('#EXT-X-ENDLIST\n'))
}

const picture = (seconds: number) => ['-f', 'lavfi', '-i', `testsrc2=s=128x72:r=25:d=${seconds}`]

describe('a track that grows', () => {
  it('lists the segments of the finished one, with their bytes and lengths', async () => {
    const made = await encoded('film.mp4', picture(29))
    assert.ok(made.plan.chunks.length >= 3)
    await check(made)
  })
  it('does not list the segment that a very short last chunk joins before that chunk is there', () => {
    const times = [0, 6, 12, 12.4].map((seconds) => seconds * 1_000)
    const chunks = times.slice(1).map((end_pts, chunk) => ({ start_pts: times[chunk]!, end_pts }))
    const clock = { start_pts: 0, lead: 0, time_base: [1, 1_000], track_timescale: 1_000 }
    const plan = { ...clock, chunks, keyframe_s: 3, variable_rate: false } as unknown as Plan
    const full = [{ fragments: 2, bytes: 60, duration: 6_000 }]
    const tail = [{ fragments: 1, bytes: 4, duration: 400 }]
    const lists = [full, full, tail]
    const listed = (count: number) => growingSegments(lists.slice(0, count), plan)
    assert.deepEqual([0, 1, 2].map((count) => listed(count).length), [0, 1, 1]) // biome-ignore format: short
    const [first, last] = listed(3)
    assert.deepEqual([first, listed(1)[0]], [listed(2)[0], listed(2)[0]])
    assert.deepEqual(last, { chunk: 1, before: 0, fragments: 2, bytes: 64, duration: 6_400, hasTail: true })
    assert.equal(longestSegment(plan), 7)
  })
  it('of one chunk is listed whole', async () => {
    await check(await encoded('short.mp4', picture(2)))
  })
  it('of a variable rate is listed alike', async () => {
    const vfr = ['-vf', "select='not(mod(n\\,3))+gt(mod(n\\,50)\\,30)',setpts=PTS", '-fps_mode', 'vfr']
    const made = await encoded('vfr.mkv', [...picture(21), ...vfr])
    assert.equal(made.plan.variable_rate, true)
    await check(made)
  })
})

it('what is read of a file that lies elsewhere is little, wherever its index is', async () => {
  const source = join(dir, 'index.mp4')
  await ffmpeg(...picture(8), '-preset', 'ultrafast', '-g', '50', `file:${source}`)
  const file = await open(source)
  const { size } = await file.stat()
  let reads = 0
  const read = (into: Buffer, position: number) => {
    reads++
    return file.read(into, 0, into.length, position)
  }
  const tracks = await readTracks(inBlocks({ size, read })).finally(() => file.close())
  assert.equal(tracks[0]!.times.length, 200)
  assert.ok(reads <= 2, `${reads}`)
})

describe('the bandwidth that is expected', () => {
  const first = { segments: [{ offset: 0, bytes: 600_000, start: 0, duration: 6 }], timescale: 1 }
  const plan = { chunks: [1, 2] } as unknown as Plan
  it('is that of the first chunk with a margin', () => {
    assert.deepEqual(expectedBandwidth(first, { rate: { crf: 23 } }, plan), { peak: 1_200_000, average: 800_000 })
    const short = { chunks: [1] } as unknown as Plan
    assert.deepEqual(expectedBandwidth(first, { rate: { crf: 23 } }, short), { peak: 800_000, average: 800_000 })
  })
  it('is no more than a cap allows, and no less than what is there', () => {
    const capped = (maxrate_kbps: number) =>
      expectedBandwidth(first, { rate: { crf: 23, maxrate_kbps, bufsize_kb: 600 } }, plan).peak
    assert.equal(capped(900), 1_020_000)
    assert.equal(capped(100), 800_000)
    assert.equal(capped(9_000), 1_200_000)
  })
})
