/**
 * The whole way on real, tiny films with the ffmpeg of this host (or of `REELMESH_FFMPEG`, `REELMESH_FFPROBE`). Exactness
 * on every nasty source is `test/sources`' business; here are the verbs, their refusals and what stops them.
 */
import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { AttemptFailed, SourceRefused, UsageError } from '../protocol/errors.ts'
import { asSha256, type VideoId } from '../protocol/ids.ts'
import type { Media } from '../protocol/media.ts'
import type { Plan } from '../protocol/plan.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../protocol/recipe.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film as makeFilm, run, signal } from './film.test-support.ts'
import { readMp4 } from './mp4.ts'

const FAST = { ...DEFAULT_ENCODING, preset: 'ultrafast' }
const RECIPE: Recipe = { ...DEFAULT_RECIPE, renditions: ladderOf([480], FAST) }

let dir: string
let media: Media
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'media-test-'))
  const options = { ffmpeg: FFMPEG, ffprobe: FFPROBE, cacheDir: join(dir, 'cache'), clock: systemClock, rng: systemRng }
  media = createFfmpegMedia(options)
})
after(() => rm(dir, { recursive: true }))

const film = (name: string, seconds: number, ...more: string[]) => makeFilm({ dir, name }, seconds, ...more)

async function planned(source: string, recipe: Partial<Recipe> = {}) {
  const probe = await media.probe(source, signal)
  const index = await media.index(source, probe, signal)
  const plan = await media.plan({
    video_id: '0123456789abcdef' as VideoId,
    source,
    probe,
    index,
    recipe: { ...RECIPE, ...recipe },
    signal,
  })
  return { source, plan, index }
}

async function encoded({ source, plan, index }: Awaited<ReturnType<typeof planned>>, into: string) {
  const chunks: string[] = []
  for (const { chunk_id } of plan.chunks) {
    const outDir = join(dir, `${into}-${chunk_id}`)
    await mkdir(outDir)
    const input = await media.cut({ plan, chunk_id, source, index, out: join(outDir, 'cut.nut'), signal })
    const [result] = await media.encode({ plan, chunk_id, input, renditions: ['480p'], outDir, signal })
    assert.ok(result?.ok, result?.ok === false ? result.failure.message : 'no result')
    chunks.push(result.path)
  }
  return chunks
}

async function finished(job: Awaited<ReturnType<typeof planned>>, into: string): Promise<string> {
  const { source, plan } = job
  const outDir = join(dir, `${into}-extras`)
  await mkdir(outDir)
  const chunks = await encoded(job, into)
  const extras = await media.extras({ plan, source, index: job.index, outDir, signal })
  const audio = extras.audio && join(outDir, 'audio.m4a')
  if (extras.audio && audio) await media.audio({ plan, input: extras.audio, out: audio, signal })
  const out = join(dir, `${into}.mp4`)
  await media.merge({ plan, renditions: [{ rendition: '480p', chunks, out }], audio, extra: extras.other, signal })
  return out
}

const failsAs = (code: string) => (error: unknown) => error instanceof AttemptFailed && error.code === code

test('a film with sound, subtitles and chapters comes out whole, twice the same, under any name', {
  timeout: 120_000,
}, async () => {
  await writeFile(join(dir, 's.srt'), '1\n00:00:02,000 --> 00:00:04,000\nHello\n')
  await writeFile(
    join(dir, 'c.txt'),
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=5000\nEND=18000\ntitle=Two; = 2\n',
  )
  const plain = await film('plain.mkv', 18, '-c:a', 'aac')
  const name = `-a 'b' "c"\n🎬 %d${'x'.repeat(180)}.mkv`
  await ffmpeg('-i', plain, '-i', join(dir, 's.srt'), '-i', join(dir, 'c.txt'), '-map', '0', '-map', '1', '-map_chapters', '2',
    '-c', 'copy', '-metadata:s:a:0', 'language=fra', '-metadata:s:s:0', 'language=deu', `file:${join(dir, name)}`) // biome-ignore format: groups
  const job = await planned(join(dir, name))
  assert.equal(job.plan.frames, 180)
  assert.ok(job.plan.chunks.length >= 2)
  const out = await finished(job, 'once')
  const tracks = await readMp4(out)
  assert.deepEqual(
    tracks
      .filter(({ kind }) => kind !== 'other')
      .slice(0, 3)
      .map(({ kind, language }) => [kind, language]),
    [
      ['video', 'und'],
      ['audio', 'fra'],
      ['text', 'deu'],
    ],
  )
  const video = tracks[0]!
  const tick = video.timescale / 10
  assert.deepEqual(
    [...video.times].sort((a, b) => a - b).map((time) => Math.round(time / tick)),
    Array.from({ length: 180 }, (_, at) => at),
  )
  assert.equal(
    await ffmpeg('-i', out, '-map', '0:v', '-map', '0:a', '-f', 'null', '-'),
    '',
    'a decoder has nothing to say',
  )
  const chapters: string[] = []
  await run({
    program: FFPROBE,
    args: ['-v', 'error', '-show_chapters', '-of', 'csv', '-i', out],
    signal,
    onLine: (line) => chapters.push(line),
  })
  assert.match(chapters.join('\n'), /One\n.*Two; = 2/)
  assert.ok((await readFile(await finished(job, 'again'))).equals(await readFile(out)), 'two runs, the same bytes')
})

test('one frame is a film too, and the sizes of every rendition are right', { timeout: 60_000 }, async () => {
  const source = join(dir, 'one.mp4')
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=1000x562:r=25:d=0.04', '-frames:v', '1', source)
  const { plan } = await planned(source, { renditions: ladderOf([480, 720, 1080], FAST) })
  assert.deepEqual(
    plan.renditions.map(({ width, height, class: word }) => [width, height, word]),
    [
      [854, 480, 'h264>x264/480p'],
      [1000, 562, 'h264>x264/720p'],
    ],
  )
  const tracks = await readMp4(await finished(await planned(source), 'one-out'))
  assert.deepEqual([tracks.length, tracks[0]?.times.length, tracks[0]?.width], [1, 1, 854])
})

test('HEVC comes out as hvc1 of the family that the plan names', { timeout: 60_000 }, async () => {
  const job = await planned(await film('hevc.mp4', 10, '-c:v', 'libx264'), {
    renditions: ladderOf([480], { ...FAST, codec: 'hevc' }),
  })
  assert.match(job.plan.renditions[0]!.class, /^h264>x265-\d+\/480p$/)
  assert.equal((await readMp4(await finished(job, 'hevc-out')))[0]?.entry, 'hvc1')
})

test('what is not a video is refused in one sentence, and nothing that it names is opened', {
  timeout: 60_000,
}, async () => {
  await film('sound.m4a', 1, '-vn')
  await writeFile(join(dir, 'text.mp4'), 'just words\n'.repeat(50))
  await copyFile(await film('whole.mp4', 2), join(dir, 'secret.mp4'))
  await writeFile(join(dir, 'list.mp4'), `ffconcat version 1.0\nfile secret.mp4\n`)
  await writeFile(
    join(dir, 'hidden.mp4'),
    `<!-- a way around the first bytes -->\nffconcat version 1.0\nfile secret.mp4\n`,
  )
  await writeFile(join(dir, 'cut.mp4'), (await readFile(join(dir, 'whole.mp4'))).subarray(0, 2000))
  const cases: readonly (readonly [string, RegExp])[] = [
    ['sound.m4a', /has audio but no video stream\.$/],
    ['text.mp4', /is not a video file/],
    ['list.mp4', /names other files/],
    ['hidden.mp4', /is not a video file/],
    ['cut.mp4', /has no index \(moov\)/],
    ['gone.mp4', /there is no such file/],
  ]
  for (const [name, sentence] of cases) {
    const refused = (error: unknown) =>
      error instanceof SourceRefused && error.message.includes(name) && sentence.test(error.message)
    await assert.rejects(media.probe(join(dir, name), signal), refused, name)
    await assert.rejects(media.check(join(dir, name), signal), refused, name)
  }
})

test('a result that is not what the plan says is never answered', { timeout: 60_000 }, async () => {
  const job = await planned(await film('verify.mp4', 12))
  const other: Plan = {
    ...job.plan,
    renditions: job.plan.renditions.map((rendition) => ({ ...rendition, signature: asSha256('0'.repeat(64)) })),
  }
  const outDir = await mkdtemp(join(dir, 'verify-'))
  const input = await media.cut({ ...job, chunk_id: 0, out: join(outDir, 'cut.nut'), signal })
  const [unsigned] = await media.encode({ plan: other, chunk_id: 0, input, renditions: ['480p'], outDir, signal })
  assert.ok(unsigned && !unsigned.ok && unsigned.failure.code === 'verify_failed')
  const late: Plan = { ...job.plan, chunks: job.plan.chunks.map((chunk) => ({ ...chunk, frames: chunk.frames + 1 })) }
  const [short] = await media.encode({ plan: late, chunk_id: 0, input, renditions: ['480p'], outDir, signal })
  // The decoder finds no more frames either: that is the source's loss, and noted at the merge.
  assert.ok(short?.ok)
  const wrongWay = (await encoded(job, 'verified')).reverse()
  const merging = media.merge({
    plan: job.plan,
    renditions: [{ rendition: '480p', chunks: wrongWay.slice(0, 1), out: join(dir, 'no.mp4') }],
    audio: null,
    extra: null,
    signal,
  })
  await assert.rejects(merging, failsAs('unexpected'))
})

test('a source whose bytes changed under its old times is not cut', { timeout: 60_000 }, async () => {
  const job = await planned(await film('changed.mp4', 24))
  assert.equal(job.plan.cut_format, 'nut')
  const cut = (chunk_id: number) => media.cut({ ...job, chunk_id, out: join(dir, `changed-${chunk_id}.nut`), signal })
  const last = job.plan.chunks.length - 1
  assert.ok(last >= 2)
  const bytes = await readFile(job.source)
  const middle = bytes.indexOf('mdat') + Math.floor((bytes.length - bytes.indexOf('mdat')) * 0.75)
  bytes.fill(7, middle, middle + 2048)
  await writeFile(job.source, bytes)
  await assert.rejects(cut(last), /^SourceChanged: changed\.mp4 was changed while it was encoded; submit it again$/)
})

test('an abort ends an encode with its reason', { timeout: 60_000 }, async () => {
  const job = await planned(await film('abort.mp4', 8), {
    upscale: true,
    renditions: ladderOf([1080], { ...FAST, preset: 'veryslow' }),
  })
  const outDir = await mkdtemp(join(dir, 'abort-'))
  const controller = new AbortController()
  const input = await media.cut({ ...job, chunk_id: 0, out: join(outDir, 'cut.nut'), signal })
  const onProgress = () => controller.abort(new Error('the claim is lost'))
  const running = media.encode({
    plan: job.plan,
    chunk_id: 0,
    input,
    renditions: ['1080p'],
    outDir,
    signal: controller.signal,
    onProgress,
  })
  await assert.rejects(running, /the claim is lost/)
})

test('a build is self-tested once; one without ffprobe is refused', { timeout: 60_000 }, async () => {
  const first = await media.selfTest(signal)
  assert.ok(first.decoders.includes('h264') && first.encoders.includes('x264') && first.encode_bytes > 1e8)
  const options = { ffmpeg: FFMPEG, ffprobe: FFPROBE, cacheDir: join(dir, 'cache'), clock: systemClock, rng: systemRng }
  const started = systemClock.mono()
  assert.deepEqual(await createFfmpegMedia(options).selfTest(signal), first)
  assert.ok(systemClock.mono() - started < 200, 'read from the cache')
  await assert.rejects(
    createFfmpegMedia({ ...options, ffprobe: '/bin/true' }).selfTest(signal),
    (error) => error instanceof UsageError && /ffprobe/.test(error.message),
  )
  await assert.rejects(createFfmpegMedia({ ...options, ffmpeg: '/nonexistent' }).selfTest(signal), UsageError)
})
