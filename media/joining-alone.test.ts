/** What is joined without a process is what ffmpeg's merge makes of the same files, in all that ffprobe says of it. */
import assert from 'node:assert/strict'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { execa } from 'execa'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import type { Media } from '../protocol/media.ts'
import type { Plan } from '../protocol/plan.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Preset, type Recipe } from '../protocol/recipe.ts'

import { runPipeline } from '../testing/sources/pipeline.ts'
import { endsOf } from '../testing/tools/at-end.ts'
import { folder } from '../testing/tools/folder.ts'
import { changedBox } from './change-box.ts'
import { writeChunkList } from './chunk-list.ts'
import { MOVIE_TIMESCALE } from './commands/argument.ts'
import { mergeArgs } from './commands/merge.ts'
import { createFfmpegMedia } from './ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, film, run, signal } from './film.test-support.ts'
import { joinTracks, type Piece } from './joined-track.ts'
import { isJoinedAlone, joinAlone } from './joining-alone.ts'
import { need, readMoov, readMp4, tryFind } from './mp4.ts'
import { box } from './package/box.ts'
import { runOrFail } from './run-ffmpeg.ts'

const recipeOf = (preset: Preset): Recipe => ({
  ...DEFAULT_RECIPE,
  renditions: ladderOf([480], { ...DEFAULT_ENCODING, preset }),
})

const ends = endsOf(after)
let dir: string
let media: Media
before(async () => {
  dir = await folder(ends)
  const options = { ffmpeg: FFMPEG, ffprobe: FFPROBE, cacheDir: join(dir, 'cache'), clock: systemClock, rng: systemRng }
  media = createFfmpegMedia(options)
})

interface Parts {
  readonly plan: Plan
  readonly chunks: readonly string[]
  readonly audio: string | null
}

async function partsOf(source: string, name: string, preset: Preset = 'ultrafast'): Promise<Parts> {
  const outDir = join(dir, name)
  await mkdir(outDir)
  const { plan } = await runPipeline(media, { source, recipe: recipeOf(preset), outDir, signal })
  const audio = plan.audio.length > 0 ? join(outDir, 'audio.m4a') : null
  const chunks = plan.chunks.map(({ chunk_id }) => join(outDir, `chunk-${chunk_id}`, '480p.mp4'))
  return { plan, chunks, audio }
}

async function mergedBy({ plan, chunks, audio }: Parts, out: string): Promise<void> {
  const list = await writeChunkList(join(dir, 'list'), chunks, plan)
  await rm(out, { force: true })
  const args = mergeArgs({
    plan,
    renditions: [{ tag: null, list, out }],
    audio,
    covers: null,
    subtitles: null,
    chapters: null,
  })
  await runOrFail(run, { program: FFMPEG, args, signal }, 'merging')
  await rm(join(dir, 'list'), { recursive: true })
}

type Said = Record<string, unknown>

/**
 * All that ffprobe says, but where samples lie and how large all of it is. `ends`: seconds that the file and its streams are long, which builds write as whole
 * milliseconds, rounded up or down.
 */
async function saidOf(path: string): Promise<{ said: unknown; ends: number[] }> {
  const shown = ['-show_streams', '-show_format', '-show_packets', '-show_data_hash', 'sha256']
  const { stdout } = await execa(FFPROBE, ['-v', 'error', ...shown, '-of', 'json', path])
  const { packets, streams, format } = JSON.parse(stdout) as { packets: Said[]; streams: Said[]; format: Said }
  const byStream = Map.groupBy(packets, ({ stream_index }) => stream_index).values()
  const ofSound = (all: readonly Said[]) => all[0]?.['codec_type'] === 'audio'
  const without = (all: Said[], ...names: string[]) =>
    all.map((each) => Object.fromEntries(Object.entries(each).filter(([name]) => !names.includes(name))))
  const END = ['duration', 'duration_ts', 'bit_rate']
  return {
    said: [
      without(streams, ...END),
      without([format], 'filename', 'size', ...END),
      // ffmpeg's merge ends the sound at a whole millisecond of the edit list.
      [...byStream].map((all) => [
        without(ofSound(all) ? all.slice(0, -1) : all, 'pos'),
        without(all.slice(-1), 'pos', 'duration', 'duration_time'),
      ]),
    ],
    ends: [format, ...streams].map(({ duration }) => Number(duration)),
  }
}

/** A tag of each name that is text, in another order than they are written. */
const TAGS = Object.fromEntries(
  [
    'keywords', 'network', 'episode_id', 'show', 'synopsis', 'description', 'lyrics', 'grouping', 'copyright', 'genre', 'comment', 'date', 'album',
    'composer', 'album_artist', 'artist', 'title',
  ].map((name) => [name, `${name}: Größe ✓`]),
) // biome-ignore format: a list

const tagged = (tags: Readonly<Record<string, string>>): string[] =>
  Object.entries(tags).flatMap(([name, value]) => ['-metadata', `${name}=${value}`])

async function tagsIn(path: string): Promise<Buffer | undefined> {
  const handle = await open(path, 'r')
  const { body } = await readMoov(handle).finally(() => handle.close())
  return tryFind(body, 'udta')
}

describe('a short film', () => {
  const recorded = ['-metadata', 'creation_time=2024-02-29T23:59:58Z']
  for (const [what, more] of Object.entries({
    'with sound': ['-pix_fmt', 'yuv420p'],
    'with sound of a language, and the time of its recording': [
      '-pix_fmt',
      'yuv420p',
      '-metadata:s:a',
      'language=deu',
      ...recorded,
    ],
    'with tags': ['-pix_fmt', 'yuv420p', ...tagged({ ...TAGS, location: '+48.1374+011.5755+519.8/' })],
    'with the place of its recording, south and west': [
      '-pix_fmt',
      'yuv420p',
      ...tagged({ location: '-33.4489-070.6693/' }),
    ],
    'without sound': ['-pix_fmt', 'yuv420p', '-an'],
    'of one picture': ['-pix_fmt', 'yuv420p', '-an', '-frames:v', '1'],
    'of several chunks': ['-pix_fmt', 'yuv420p', ...recorded],
    'of several chunks, without sound, in time ticks that divide a second unevenly': [
      '-pix_fmt',
      'yuv420p',
      '-an',
      '-r',
      '30000/1001',
    ],
    'of several chunks, with pictures at uneven times': ['-pix_fmt', 'yuv420p', '-vf', 'setpts=PTS+mod(N\\,3)*0.02/TB'],
  }))
    it(`${what} is joined as ffmpeg joins it`, async () => {
      const name = what.replaceAll(/\W/g, '-')
      const isLong = what.includes('chunks')
      const source = await film({ dir, name: `${name}.mp4` }, isLong ? 12 : 3, ...more)
      // With pictures in another order, other than at ultrafast.
      const parts = await partsOf(source, name, isLong ? 'fast' : 'ultrafast')
      assert.equal(parts.chunks.length > 1, isLong)
      assert.equal(Object.keys(parts.plan.metadata.tags).length, more.filter((word) => word === '-metadata').length)
      assert.ok(isJoinedAlone({ ...parts, extra: null }))
      const [own, theirs] = [join(dir, `${name}-own.mp4`), join(dir, `${name}-theirs.mp4`)]
      assert.ok(await joinAlone({ ...parts, out: own }))
      await mergedBy(parts, theirs)
      const [one, other] = [await saidOf(own), await saidOf(theirs)]
      assert.deepEqual(one.said, other.said)
      for (const [at, end] of one.ends.entries())
        assert.ok(Math.abs(end - other.ends[at]!) < 0.0015, `${one.ends} ${other.ends}`)
      assert.deepEqual(await tagsIn(own), await tagsIn(theirs))
      // The index is before the samples.
      const bytes = (await readFile(own)).toString('latin1')
      assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'))
      assert.equal(await ffmpeg('-xerror', '-i', `file:${own}`, '-f', 'null', '-'), '')
    })

  it('with more than that is left to ffmpeg', async () => {
    const { plan } = await partsOf(
      await film({ dir, name: 'titled.mp4' }, 1, '-pix_fmt', 'yuv420p', '-metadata', 'track=3/9'),
      'titled',
    )
    assert.equal(isJoinedAlone({ plan, extra: null }), false)
    assert.equal(plan.metadata.tags['track'], '3/9')
    const bare = { ...plan, metadata: { ...plan.metadata, tags: {} } }
    assert.ok(isJoinedAlone({ plan: bare, extra: null }))
    assert.equal(isJoinedAlone({ plan: bare, extra: '/extra' }), false)
    assert.equal(isJoinedAlone({ plan: { ...bare, lead: 5 }, extra: null }), false)
    const sounds = plan.audio.map((track) => ({ ...track, title: 'Commentary' }))
    assert.equal(isJoinedAlone({ plan: { ...bare, audio: sounds }, extra: null }), false)
  })

  it('whose chunks are not decoded one after another is left to ffmpeg', async () => {
    const { chunks } = await partsOf(
      await film({ dir, name: 'pieces.mp4' }, 12, '-pix_fmt', 'yuv420p', '-an'),
      'pieces',
    )
    const pieces: Piece[] = []
    for (const [at, path] of chunks.entries()) {
      const handle = await open(path, 'r')
      const { body } = await readMoov(handle).finally(() => handle.close())
      const trak = need(body, 'trak')
      pieces.push({ trak, track: (await readMp4(path))[0]!, begins: at * 1_000_000 })
    }
    assert.equal(joinTracks(pieces, MOVIE_TIMESCALE)?.sizes.length, 120)
    assert.equal(joinTracks(pieces.toReversed(), MOVIE_TIMESCALE), null)
    const strange = pieces.map((piece) => ({
      ...piece,
      trak: changedBox(piece.trak, ['mdia', 'minf', 'stbl'], (stbl) => Buffer.concat([stbl, box('sgpd')])),
    }))
    assert.equal(joinTracks(strange, MOVIE_TIMESCALE), null)
  })
})
