/** Parts of a sound that is being encoded are the segments of the finished package, to the byte. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemRng as rng, systemClock } from '../../node/host/system-clock.ts'
import type { Sha256 } from '../../protocol/ids.ts'
import type { MadeSoundPart } from '../../protocol/media.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { soundPartAt } from '../../protocol/sound-part.ts'
import { runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, signal } from '../film.test-support.ts'
import { readMp4 } from '../mp4.ts'
import { finishedSounds, type ListedSound, partedSounds, type SoundPiece } from './sound-list.ts'
import { SoundParts } from './sound-parts.ts'

const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([64], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
  package: { formats: ['hls'] },
}
/** Waits a fiftieth of the time, so that the sound of a film of minutes is looked at often. */
const clock = { ...systemClock, sleep: (ms: number, stop?: AbortSignal) => systemClock.sleep(ms / 50, stop) }
const media = createFfmpegMedia({ ffmpeg: FFMPEG, ffprobe: FFPROBE, sandbox: 'off', clock, rng })

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-parts-'))
})
after(() => rm(dir, { recursive: true, force: true }))

const picture = (seconds: number, rate = '5') => ['-f', 'lavfi', '-i', `testsrc2=s=64x36:r=${rate}:d=${seconds}`]
/** Sound that is never the same, so that no two packets are. */
const noise = (seconds: number, seed: number) => ['-f', 'lavfi', '-i', `anoisesrc=d=${seconds}:a=0.3:c=pink:r=48000:s=${seed}`] // biome-ignore format: words
const fast = ['-preset', 'ultrafast', '-g', '60', '-c:a', 'aac']
const SIX = 'pan=5.1|c0=c0|c1=c0|c2=c0|c3=0.1*c0|c4=0.5*c0|c5=-1*c0'

const bytesOf = async (parts: readonly MadeSoundPart[]) =>
  Buffer.concat(await Promise.all(parts.map(({ path }) => readFile(path))))
const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const hashOf = async (file: string) => hash(await readFile(file))

/**
 * Packages a film, and takes the parts of its sound while it is encoded. Every part has the bytes of the package, and all parts together all of them;
 * the encoded sound has the bytes that it has without parts. Answers how many parts of each track were made before the end.
 */
async function check(
  name: string,
  film: readonly string[],
  { isEven = true, ...recipe }: Partial<Recipe> & { isEven?: boolean } = {},
): Promise<number[]> {
  const source = join(dir, name)
  await ffmpeg(...film, `file:${source}`)
  const [outDir, plain] = [await mkdtemp(join(dir, 'out-')), await mkdtemp(join(dir, 'plain-'))]
  const early: MadeSoundPart[] = []
  const soundParts = {
    take: async (made: readonly MadeSoundPart[]) => void early.push(...made),
    failed: (error: unknown) => assert.fail(error as Error),
  }
  const job = { source, recipe: { ...RECIPE, ...recipe }, signal }
  const { packaged } = await runPipeline(media, { ...job, outDir, soundParts })
  const without = await runPipeline(media, { ...job, outDir: plain })
  // Tracks of several lengths lie in a file in any order, on ffmpeg 8 and 9 from run to run.
  if (isEven) assert.equal(await hashOf(join(outDir, 'audio.m4a')), await hashOf(join(plain, 'audio.m4a')))
  const parts = await SoundParts.open(join(outDir, 'audio.m4a.growing'), await mkdtemp(join(dir, 'all-')))
  const all = await parts.next(true)
  await parts.close()
  await checkLists(all, join(outDir, 'audio.m4a'))
  const tracks = packaged!.files.flatMap(({ name: file }) => /^audio-(\d+)\.mp4$/.exec(file)?.[1] ?? [])
  assert.deepEqual([...new Set(all.map(({ sound }) => String(sound.track)))], tracks)
  return Promise.all(
    tracks.map(async (track) => {
      const whole = await readFile(join(packaged!.dir, `audio-${track}.mp4`))
      assert.ok(whole.equals(await readFile(join(without.packaged!.dir, `audio-${track}.mp4`))))
      const of = (made: readonly MadeSoundPart[]) => made.filter(({ sound }) => String(sound.track) === track)
      const { init, start } = of(all)[0]!.sound
      // The package has an index behind the beginning, which only the end of the film shows.
      const index = whole.readUInt32BE(init)
      assert.equal(whole.toString('latin1', init + 4, init + 8), 'sidx')
      const expected = Buffer.concat([whole.subarray(0, init), whole.subarray(init + index)])
      const [made, soon] = [await bytesOf(of(all)), await bytesOf(of(early))]
      assert.ok(made.equals(expected), `audio-${track} is ${made.length} bytes, in the package ${expected.length}`)
      assert.ok(soon.equals(expected.subarray(0, soon.length)), `the early parts of audio-${track}`)
      let at = start
      for (const { sound } of of(all)) {
        assert.equal(sound.start, at)
        at = sound.segments.reduce((sum, [, duration]) => sum + duration, at)
      }
      const listed = await readFile(join(packaged!.dir, `audio-${track}.m3u8`), 'utf8')
      const lengths = [...listed.matchAll(/#EXTINF:([\d.]+)/g)].map(([, length]) => length)
      assert.deepEqual(
        of(all).flatMap(({ sound }) => sound.segments.map(([, ticks]) => (ticks / sound.timescale).toFixed(6))),
        lengths,
      )
      return of(early).length
    }),
  )
}

/** What is listed of every track, out of the parts and out of the encoded file, is the same, to the byte. */
async function checkLists(all: readonly MadeSoundPart[], audio: string): Promise<void> {
  const files = new Map<string, Buffer>()
  const heldBlob = async (path: string) => {
    files.set(path, await readFile(path))
    return { sha256: path as Sha256, bytes: 0, holders: [] }
  }
  const listed = await Promise.all(
    all.map(async ({ path, sound }) => ({ ...soundPartAt(sound), ...(await heldBlob(path)), sound })),
  )
  const read = (pieces: Iterable<SoundPiece>) =>
    Buffer.concat(
      [...pieces].map((piece) =>
        Buffer.isBuffer(piece)
          ? piece
          : files.get(piece.blob.sha256)!.subarray(piece.start, piece.start + piece.length),
      ),
    )
  const shown = (sounds: readonly ListedSound[]) =>
    sounds.map(({ segments, init, initBytes, isWhole, ...sound }) => ({
      ...sound,
      init: read([init]).toString('hex'),
      initBytes,
      segments: segments.map((segment) => [
        segment.start,
        segment.duration,
        segment.bytes,
        hash(read(segment.pieces())),
      ]),
    }))
  const finished = finishedSounds(await readMp4(audio), await heldBlob(audio))
  assert.deepEqual(shown(partedSounds(listed)), shown(finished))
  assert.ok(finished.every(({ isWhole }) => isWhole))
  // Parts behind one that is not listed are not played.
  const few = partedSounds(listed.filter(({ sound: { part, track } }) => track === 1 && part !== 3))
  assert.deepEqual(few.map(({ segments, isWhole }) => [segments.length, isWhole]), [[2, false]]) // biome-ignore format: short
}

describe('parts of a sound that is being encoded', () => {
  it('are those of the package: two languages and 5.1, of a film of 29.97 frames a second', async () => {
    const early = await check('two.mkv', [
      ...picture(48, '30000/1001'), ...noise(48, 1), ...noise(48, 2), '-map', '0', '-map', '1', '-map', '2', ...fast, '-filter:a:1', SIX,
      '-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=fra',
    ]) // biome-ignore format: groups
    assert.equal(early.length, 2)
    assert.ok(early.every((count) => count > 0), `${early} before the end`) // biome-ignore format: short
  })
  it('are those of the package where the sound begins late, or ends before the picture or behind it', async () => {
    const late = [...picture(40), '-itsoffset', '7.31', ...noise(33, 3), '-map', '0', '-map', '1', ...fast]
    assert.equal((await check('late.mkv', late)).length, 1)
    const uneven = [
      ...picture(40), ...noise(31, 4), ...noise(53, 5), '-map', '0', '-map', '1', '-map', '2', ...fast,
    ] // biome-ignore format: groups
    assert.equal((await check('uneven.mkv', uneven, { isEven: false })).length, 2)
  })
  it('are those of the package in Opus, whose first packet begins before the film, and of copies', async () => {
    const audio = [{ codec: 'opus', channels: 2, kbps: 96 }, { codec: 'copy' }] as const
    const film = [...picture(40), ...noise(40, 6), '-map', '0', '-map', '1', ...fast, '-c:a', 'ac3']
    assert.equal((await check('opus.mkv', film, { audio })).length, 2)
  })
})
