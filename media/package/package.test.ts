/** Packages of real films: every picture and sound is where the plan has it, by ffmpeg and by parsers of others. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Parser } from 'm3u8-parser'
import { parse } from 'mpd-parser'
import { divideTrack } from '../../files/track-folder.ts'
import { systemClock as clock, systemRng as rng } from '../../node/host/system-clock.ts'
import { asSha256 } from '../../protocol/ids.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../../protocol/recipe.ts'
import { type PipelineResult, runPipeline } from '../../testing/sources/pipeline.ts'
import { createFfmpegMedia } from '../ffmpeg-media.ts'
import { FFMPEG, FFPROBE, ffmpeg, run, signal } from '../film.test-support.ts'
import { runOrFail } from '../run-ffmpeg.ts'

const RECIPE: Recipe = {
  ...DEFAULT_RECIPE,
  renditions: ladderOf([64, 90], { ...DEFAULT_ENCODING, preset: 'ultrafast' }),
  package: { formats: ['hls', 'dash'] },
}
const media = createFfmpegMedia({ ffmpeg: FFMPEG, ffprobe: FFPROBE, sandbox: 'off', clock, rng })

let dir: string
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-package-'))
})
after(() => rm(dir, { recursive: true, force: true }))

/** What ffmpeg prints of an output on stdout. */
async function printed(...args: string[]): Promise<string[]> {
  const lines: string[] = []
  const onLine = (line: string) => void lines.push(line)
  await runOrFail(run, { program: FFMPEG, args: ['-nostdin', '-v', 'error', ...args], signal, onLine }, 'reading')
  return lines.filter((line) => !line.startsWith('#'))
}

/** Time, length and checksum of every decoded picture. */
const pictures = (file: string, ...options: string[]) =>
  printed(...options, '-i', `file:${file}`, '-map', '0:v:0', '-f', 'framemd5', '-')

interface Packaged extends PipelineResult {
  readonly folder: string
  read(name: string): Promise<string>
}

async function packaged(
  name: string,
  film: readonly string[],
  recipe: Partial<Recipe> = {},
  key?: string,
): Promise<Packaged> {
  const source = join(dir, name)
  await ffmpeg(...film, `file:${source}`)
  const outDir = await mkdtemp(join(dir, 'out-'))
  const result = await runPipeline(media, { source, recipe: { ...RECIPE, ...recipe }, outDir, key, signal })
  const folder = result.packaged?.dir ?? ''
  for (const { path } of result.packaged?.files ?? []) assert.ok((await stat(path)).size > 0, path)
  return { ...result, folder, read: (file) => readFile(join(folder, file), 'utf8') }
}

const picture = (seconds: number, rate: string, size = '160x90') => [
  '-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${rate}:d=${seconds}`,
] // biome-ignore format: groups
const tone = (seconds: number, hz = 440) => ['-f', 'lavfi', '-i', `sine=frequency=${hz}:duration=${seconds}:r=48000`]
const fast = ['-preset', 'ultrafast', '-bf', '3', '-g', '60']

/** Every rendition of the package has the pictures of the merged file, at the same times. */
async function checkPictures({ folder, outputs }: Packaged): Promise<void> {
  for (const { rendition, path } of outputs)
    assert.deepEqual(await pictures(join(folder, `video-${rendition}.mp4`)), await pictures(path), rendition)
}

/** Segments of a playlist lie behind one another, from behind the index to the end of the file. Answers their lengths, seconds. */
async function checkPlaylist({ folder, read }: Packaged, name: string): Promise<number[]> {
  const parser = new Parser()
  parser.push(await read(`${name}.m3u8`))
  parser.end()
  const { segments, endList, targetDuration, playlistType } = parser.manifest
  assert.deepEqual([endList, playlistType], [true, 'VOD'])
  let at: number | null = null
  for (const { byterange, duration } of segments) {
    if (at !== null) assert.equal(byterange.offset, at)
    at = byterange.offset + byterange.length
    assert.ok(Math.round(duration) <= targetDuration)
  }
  assert.equal(at, (await stat(join(folder, `${name}.mp4`))).size)
  return segments.map(({ duration }: { duration: number }) => duration)
}

/** The bytes of each range of a playlist. */
async function ranges(folder: string, name: string): Promise<Buffer[]> {
  const parser = new Parser()
  parser.push(await readFile(join(folder, name), 'utf8'))
  parser.end()
  const all: { uri: string; byterange: { offset: number; length: number } }[] = parser.manifest.segments
  const read = async ({ uri, byterange: { offset, length } }: (typeof all)[number]) =>
    (await readFile(join(folder, uri))).subarray(offset, offset + length)
  return await Promise.all(all.map(read))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

describe('a package', () => {
  it('of 29.97 fps, two languages and late subtitles has everything at its time, for parsers of others too', async () => {
    const words = join(dir, 'words.srt')
    await writeFile(words, '1\n00:00:15,500 --> 00:00:17,250\nA <i>late</i> & only word\n')
    const made = await packaged('film.mkv', [
      ...picture(21, '30000/1001'), ...tone(21), ...tone(21, 880), '-i', words,
      '-map', '0', '-map', '1', '-map', '2', '-map', '3', ...fast, '-c:a', 'aac', '-c:s', 'srt',
      '-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=fra', '-metadata:s:s:0', 'language=eng',
    ]) // biome-ignore format: groups
    await checkPictures(made)
    const lengths = await checkPlaylist(made, 'video-90p')
    assert.ok(Math.abs(sum(lengths) - (630 * 1001) / 30_000) < 1e-3)
    assert.deepEqual(await checkPlaylist(made, 'video-64p'), lengths)
    for (const sound of ['audio-1', 'audio-2']) {
      const seconds = sum(await checkPlaylist(made, sound))
      assert.ok(Math.abs(seconds - 21) < 0.05, `${seconds}`)
    }
    const text = await made.read('text-1.vtt')
    assert.equal(text, 'WEBVTT\n\n00:00:15.500 --> 00:00:17.250\nA <i>late</i> &amp; only word\n')

    const master = new Parser()
    master.push(await made.read('master.m3u8'))
    master.end()
    const { playlists, mediaGroups } = master.manifest
    assert.deepEqual(
      playlists.map(({ attributes: { RESOLUTION, CODECS } }: { attributes: Record<string, unknown> }) => [
        RESOLUTION,
        CODECS,
      ]),
      [
        [{ width: 114, height: 64 }, 'avc1.4D400A,mp4a.40.2'],
        [{ width: 160, height: 90 }, 'avc1.4D400B,mp4a.40.2'],
      ],
    )
    assert.deepEqual(Object.keys(mediaGroups.AUDIO['audio-mp4a']), ['German', 'French'])
    assert.equal(mediaGroups.SUBTITLES.text.English.language, 'en')
    const dash = parse(await made.read('manifest.mpd'), { manifestUri: 'https://example.org/manifest.mpd' })
    assert.deepEqual(
      dash.playlists.map(({ attributes }: { attributes: Record<string, unknown> }) => attributes['CODECS']),
      ['avc1.4D400A', 'avc1.4D400B'],
    )
    assert.deepEqual(Object.keys(dash.mediaGroups.AUDIO.audio), ['German', 'French'])
    assert.match(await made.read('manifest.mpd'), /mediaPresentationDuration="PT21\.021000S"/)
    assert.match(await made.read('manifest.mpd'), /frameRate="30000\/1001"/)
  })

  it('has the sound of the result, without the silence that the encoder put before it', async () => {
    const made = await packaged('sound.mp4', [...picture(13, '25'), ...tone(13), ...fast, '-c:a', 'aac'])
    const samples = async (file: string) => {
      const out = join(made.folder, 'samples')
      await ffmpeg('-i', `file:${file}`, '-map', '0:a:0', '-c:a', 'pcm_s16le', '-f', 's16le', `file:${out}`)
      const bytes = await readFile(out)
      return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    }
    const merged = await samples(made.outputs[0]!.path)
    const own = await samples(join(made.folder, 'audio-1.mp4'))
    assert.equal(own.length, merged.length)
    // What was left out also overlapped the first packet. Beyond it a decoder may differ in the noise that it fills bands with.
    const PACKET = 1024
    const largest = own
      .subarray(PACKET)
      .reduce((most, value, at) => Math.max(most, Math.abs(value - merged[PACKET + at]!)), 0)
    assert.ok(largest <= 32, `${largest}`)
  })

  it('of a variable rate, with a last chunk of one picture, has every picture at its time', async () => {
    const vfr = ['-vf', "select='not(mod(n\\,3))+gt(mod(n\\,50)\\,30)',setpts=PTS", '-fps_mode', 'vfr']
    const made = await packaged('vfr.mkv', [...picture(16, '50'), ...vfr, ...fast])
    assert.equal(made.plan.variable_rate, true)
    await checkPictures(made)
    await checkPlaylist(made, 'video-90p')
    const tail = await packaged('tail.mp4', [...picture(40.04, '25'), ...fast])
    await checkPictures(tail)
    const lengths = await checkPlaylist(tail, 'video-90p')
    assert.ok(Math.abs(sum(lengths) - 40.04) < 1e-6)
    assert.ok(
      lengths.every((length) => length > 0.5),
      'a lone last picture is no segment of its own',
    )
  })

  it('of one picture, without sound, upright, is one segment', async () => {
    const made = await packaged('one.mp4', [...picture(0.04, '25', '90x160'), ...fast])
    await checkPictures(made)
    assert.deepEqual(await checkPlaylist(made, 'video-90p'), [0.04])
    const master = await made.read('master.m3u8')
    assert.doesNotMatch(master, /AUDIO/)
    assert.match(master, /RESOLUTION=90x160/)
  })

  it('of segments has the bytes of the one with ranges, in files that its manifests name', async () => {
    const film = [...picture(13.04, '25'), ...tone(13), ...fast, '-c:a', 'aac']
    const made = await packaged('ranges.mp4', film)
    const {
      folder,
      packaged: divided,
      read,
    } = await packaged('segments.mp4', film, {
      package: { formats: ['hls', 'dash'], segments: true },
    })
    const tracks = divided!.files.filter(({ is_folder }) => is_folder)
    assert.deepEqual(tracks.map(({ name }) => name), ['video-64p', 'video-90p', 'audio-1']) // biome-ignore format: short
    for (const { name, path } of tracks) {
      assert.deepEqual(await readFile(path), await readFile(join(made.folder, `${name}.mp4`)))
      await divideTrack(path, join(folder, name), { mode: 0o644, signal })
      await rm(path)
    }
    for (const { rendition, path } of made.outputs)
      assert.deepEqual(await pictures(join(folder, `video-${rendition}.m3u8`)), await pictures(path), rendition)
    const playlist = new Parser()
    playlist.push(await read('video-90p.m3u8'))
    playlist.end()
    const { segments } = playlist.manifest
    const uris = ['segment-00001.m4s', 'segment-00002.m4s'].map((name) => `video-90p/${name}`)
    assert.deepEqual(
      segments.map(({ uri, map }: { uri: string; map: { uri: string } }) => [uri, map.uri]),
      uris.map((uri) => [uri, 'video-90p/header.mp4']),
    )
    const dash = parse(await read('manifest.mpd'), { manifestUri: 'https://example.org/manifest.mpd' })
    const [, video] = dash.playlists
    const [sound] = Object.values(dash.mediaGroups.AUDIO.audio) as [{ playlists: (typeof video)[] }]
    for (const [name, one] of [['video-90p', video], ['audio-1', sound.playlists[0]]] as const) // biome-ignore format: pairs
      assert.deepEqual(
        one.segments.map(({ resolvedUri }: { resolvedUri: string }) => resolvedUri),
        (await readdir(join(folder, name))).sort().slice(2).map((each) => `https://example.org/${name}/${each}`),
      ) // biome-ignore format: one line for each list
    const lengths = (all: { duration: number }[]) => all.map(({ duration }) => Number(duration.toFixed(6)))
    assert.deepEqual(lengths(video.segments), lengths(segments), 'the exact lengths')
    assert.deepEqual(lengths(segments), await checkPlaylist(made, 'video-90p'))
    assert.match(await read('master.m3u8'), /I-FRAME.*URI="video-90p-keyframes\.m3u8"/)
    const keyframes = await ranges(folder, 'video-90p-keyframes.m3u8')
    assert.ok(keyframes.length > 2)
    assert.deepEqual(keyframes, await ranges(made.folder, 'video-90p-keyframes.m3u8'))
  })

  it('with a key has encrypted segments, which ffmpeg reads with it, and the plain bytes without it nowhere', async () => {
    const key = join(dir, 'key.bin')
    await writeFile(key, Buffer.from('00112233445566778899aabbccddeeff', 'hex'))
    const film = [...picture(13.04, '25'), ...tone(13), ...fast, '-c:a', 'aac']
    const plain = await packaged('plain.mp4', film)
    const asked = { sha256: asSha256('0'.repeat(64)), bytes: 16, url: 'key.bin' }
    const made = await packaged('locked.mp4', film, { package: { formats: ['hls'], key: asked } }, key)
    await copyFile(key, join(made.folder, 'key.bin'))
    assert.ok(!made.packaged!.files.some(({ path }) => path === key), 'the key is no file of the package')
    for (const { name, path } of made.packaged!.files.filter(({ is_folder }) => is_folder)) {
      const [locked, open] = await Promise.all([path, join(plain.folder, `${name}.mp4`)].map((each) => readFile(each)))
      assert.ok(locked!.includes('sidx') && open!.includes('moof') && !locked!.includes('moof'))
      await divideTrack(path, join(made.folder, name), { mode: 0o644, signal })
    }
    for (const { rendition, path } of made.outputs) {
      // ffmpeg takes a file of a key by its name only where it is told to.
      const own = await pictures(join(made.folder, `video-${rendition}.m3u8`), '-allowed_extensions', 'ALL')
      assert.deepEqual(own, await pictures(path), rendition)
    }
    assert.match(await made.read('audio-1.m3u8'), /MAP:.*\n#EXT-X-KEY:METHOD=AES-128,URI="key\.bin"\n#EXTINF/)
    assert.doesNotMatch(await made.read('master.m3u8'), /I-FRAME/, 'no range of an encrypted segment can be read')
  })

  it('with a key for samples has files that ffmpeg reads with it, by both manifests, and ranges of keyframes', async () => {
    const hex = '00112233445566778899aabbccddeeff'
    const key = join(dir, 'samples.bin')
    await writeFile(key, Buffer.from(hex, 'hex'))
    const film = [...picture(13.04, '25'), ...tone(13), ...fast, '-c:a', 'aac']
    const plain = await packaged('plain-samples.mp4', film)
    const asked = { sha256: asSha256('ab'.repeat(32)), bytes: 16, url: 'key.bin', method: 'cbcs' } as const
    const made = await packaged('samples.mp4', film, { package: { formats: ['hls', 'dash'], key: asked } }, key)
    await copyFile(key, join(made.folder, 'key.bin'))
    const sound = ['-map', '0', '-f', 'framemd5', '-']
    for (const name of ['video-64p', 'video-90p', 'audio-1']) {
      const [locked, open] = [made, plain].map(({ folder }) => join(folder, `${name}.mp4`)) as [string, string]
      const own = await printed('-decryption_key', hex, '-i', locked, ...sound)
      assert.deepEqual(own, await printed('-i', open, ...sound), name)
      assert.notDeepEqual(await readFile(locked), await readFile(open))
    }
    for (const { rendition, path } of made.outputs) {
      const own = await pictures(join(made.folder, `video-${rendition}.m3u8`), '-allowed_extensions', 'ALL')
      assert.deepEqual(own, await pictures(path), rendition)
    }
    assert.match(await made.read('audio-1.m3u8'), /MAP:.*\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="key\.bin"\n#EXTINF/)
    assert.match(
      await made.read('manifest.mpd'),
      /value="cbcs" cenc:default_KID="abababab-abab-abab-abab-abababababab"/,
    )
    const keyframes = await ranges(made.folder, 'video-90p-keyframes.m3u8')
    const sizes = keyframes.map((each) => [each.toString('latin1', 4, 8), each.readUInt32BE(0) < each.length])
    assert.ok(sizes.length > 2 && sizes.every(([type, isLonger]) => type === 'moof' && isLonger))
  })

  it('has addresses with the prefix that is asked for, and only the manifests that are', async () => {
    const url_prefix = 'https://cdn.example.org/a/'
    const made = await packaged('prefix.mp4', [...picture(2, '25'), ...fast], {
      package: { formats: ['hls'], url_prefix },
    })
    const names = made.packaged!.files.map(({ name }) => name)
    assert.equal(names.at(-1), 'master.m3u8')
    assert.ok(!names.includes('manifest.mpd'))
    assert.match(await made.read('master.m3u8'), /^https:\/\/cdn\.example\.org\/a\/video-90p\.m3u8$/m)
    assert.match(await made.read('video-90p.m3u8'), /^https:\/\/cdn\.example\.org\/a\/video-90p\.mp4$/m)
  })
})
