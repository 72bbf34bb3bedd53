/** Results as Matroska files: what MP4 does not hold is there as it is in the source, and all the rest as in MP4. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { DEFAULT_ENCODING, ladderOf } from '../../../protocol/recipe.ts'
import { beepsWav, findBeeps } from '../../../testing/sources/beeps.ts'
import { bitmapSubtitles } from '../../../testing/sources/bitmap-subtitles.ts'
import { TOOLS } from '../../../testing/sources/make.ts'
import { pictures, probe, sounds, subtitles } from '../../../testing/sources/measure.ts'
import { readSound } from '../../../testing/sources/read.ts'
import { FAST_480P, picture, type RealCase, realCase, X264 } from '../../../testing/sources/real.ts'
import { FONT, richFilm } from '../../../testing/sources/rich-film.ts'

const MKV = { ...FAST_480P, packaging: 'mkv' } as const

/** The codec, language and flags of every stream, in order. */
async function streamsIn(file: string): Promise<string[]> {
  const { streams } = await probe(file)
  return streams.map(({ type, codec, language }) => (type === 'attachment' ? type : [type, codec, language].join(' ')))
}

/** The bytes of every packet of a stream, and when each begins, seconds after the first picture. */
async function packets(file: string, specifier: string): Promise<string[]> {
  const show = ['-show_entries', 'packet=pts_time,duration_time,data_hash', '-show_data_hash', 'md5', '-of', 'csv=p=0']
  const { stdout } = await execa(TOOLS.ffprobe, ['-v', 'error', '-select_streams', specifier, ...show, file])
  return stdout.split('\n').filter(Boolean)
}

/** The attached files of one, as ffmpeg writes them out. */
async function attached(film: RealCase, file: string, names: readonly string[]): Promise<Buffer[]> {
  const dumps = names.flatMap((name, at) => [`-dump_attachment:t:${at}`, `out-${name}`])
  await execa(TOOLS.ffmpeg, ['-v', 'error', '-y', ...dumps, '-i', file], { cwd: film.dir, reject: false })
  return Promise.all(names.map((name) => film.read(`out-${name}`)))
}

test('bitmap subtitles, ASS, fonts, FLAC and two languages come along in Matroska, as they are', async (t) => {
  const film = await realCase(t)
  const source = await richFilm(film)
  const { output, notes, plan } = await film.run(source, { ...MKV, audio: [{ codec: 'copy' }] })
  assert.equal(output.endsWith('.mkv'), true)
  assert.ok(plan.chunks.length > 1, 'the film is cut')
  assert.deepEqual(notes, [
    'Video track 6 (h264, 80×60, swe) is copied into each result, not encoded.',
    'The flag original of track 2 (ac3, eng) is left out: results have no place for it.',
  ])
  assert.deepEqual(await streamsIn(output), [
    'video h264 und', 'video h264 swe', 'audio flac ger', 'audio ac3 eng', 'subtitle hdmv_pgs_subtitle fre', 'subtitle ass jpn', 'subtitle subrip eng',
    'video mjpeg und', 'attachment', 'attachment',
  ]) // biome-ignore format: a list
  assert.deepEqual(await attached(film, output, ['one.ttf', 'two.otf']), [FONT, Buffer.concat([FONT, FONT])])
  const [first] = await pictures(source)
  for (const kind of ['v:1', 's:0', 's:1', 'a:0', 'a:1']) {
    const [own, wanted] = [await packets(output, kind), await packets(source, kind)]
    const hashes = (rows: readonly string[]) => rows.map((row) => row.split(',').at(-1))
    assert.deepEqual(hashes(own), hashes(wanted), kind)
    for (const [at, row] of wanted.entries()) {
      const [is, was] = [Number(own[at]!.split(',')[0]), Number(row.split(',')[0]) - first!.at_s]
      assert.ok(Math.abs(is - was) <= 0.0011, `${kind}, packet ${at}: ${is} in place of ${was}`)
    }
  }
  const cues = await subtitles(output)
  assert.deepEqual(
    cues.at(-1)?.map(({ start_s, end_s, text }) => [start_s, end_s, text]),
    [[1, 2, '<i>Hello</i>\nthere'], [9.5, 11.25, 'Bye']], // biome-ignore format: a list
  )
  const { chapters, tags } = await probe(output)
  const [chapter, ...others] = chapters
  assert.deepEqual([chapter?.title, others], ['Middle', []])
  // The picture of the source begins some ms after its clock.
  assert.ok(Math.abs(chapter!.start_s - 2 + first!.at_s) < 0.002 && Math.abs(chapter!.end_s - 9 + first!.at_s) < 0.002)
  assert.equal(tags['title'], 'The Film')
  assert.equal(tags['ARTIST'] ?? tags['artist'], 'Someone')
})

test('subtitles of DVDs and broadcasts come along in Matroska, and those of a short film', async (t) => {
  const film = await realCase(t)
  await film.write('a.sup', bitmapSubtitles([[1, 2], [3, 4]])) // biome-ignore format: a list
  const source = await film.make('a.mkv', [
    ...picture({ seconds: 5, size: '320x180' }), '-i', 'a.sup', '-map', '0', '-map', '1', '-map', '1', ...X264,
    '-c:s:0', 'dvd_subtitle', '-c:s:1', 'dvb_subtitle', '-metadata:s:s:1', 'language=deu',
  ]) // biome-ignore format: groups
  const { output, notes } = await film.run(source, MKV)
  assert.deepEqual(notes, [])
  assert.deepEqual(await streamsIn(output), [
    'video h264 und',
    'subtitle dvd_subtitle und',
    'subtitle dvb_subtitle ger',
  ])
  // Without the lengths, which are those of an event without an end: ffmpeg puts what clears the screen of DVB there, months later.
  const shown = async (file: string, kind: string) =>
    (await packets(file, kind))
      .map((row) => row.split(',').filter((_, at) => at !== 1))
      .filter(([time]) => Number(time) < 5)
  for (const kind of ['s:0', 's:1']) assert.deepEqual(await shown(output, kind), await shown(source, kind))
  const plain = await film.run(source)
  assert.match(
    plain.notes.join(),
    /Subtitle tracks 1 \(dvd_subtitle, 320×180\) and 2 \(dvb_subtitle, deu\) are left out: MP4 holds text subtitles, no pictures/,
  )
})

test('pictures have the times of the source to the millisecond, from 0 on, and are those of MP4', async (t) => {
  const film = await realCase(t)
  for (const [rate, name] of [
    ['25', 'a.mp4'],
    ['30000/1001', 'b.mp4'],
    ['24000/1001', 'c.mkv'],
  ] as const) {
    // biome-ignore format: a list
    await film.write('a.wav', beepsWav({ track: 0, channels: 2, rate: 48_000, seconds: 12 }))
    const source = await film.make(name, [
      ...picture({ seconds: 12, rate, size: '160x90' }),
      '-i',
      'a.wav',
      ...X264,
      '-g',
      '60',
      '-bf',
      '2',
    ])
    const { output, notes } = await film.run(source, MKV)
    const plain = await film.run(source)
    const [own, wanted] = [await pictures(output), await pictures(plain.output)]
    assert.deepEqual(own.map(({ checksum }) => checksum), wanted.map(({ checksum }) => checksum)) // biome-ignore format: short
    for (const [at, { at_s }] of wanted.entries())
      assert.ok(Math.abs(own[at]!.at_s - at_s) <= 0.00051, `${at}: ${own[at]!.at_s}`)
    assert.equal(own[0]!.at_s, 0)
    const rounded =
      'The times of the pictures are rounded to milliseconds, as Matroska files count them (29.97 frames per second).'
    assert.deepEqual(notes, name === 'b.mp4' ? [rounded] : [])
  }
})

for (const codec of ['aac', 'opus'] as const)
  test(`${codec} in Matroska begins with the sample of the source`, async (t) => {
    const film = await realCase(t)
    await film.write('a.wav', beepsWav({ track: 0, channels: 2, rate: 48_000, seconds: 5 }))
    const source = await film.make('a.mp4', [...picture({ seconds: 5, size: '160x90' }), '-i', 'a.wav', ...X264])
    const { output } = await film.run(source, { ...MKV, audio: [{ codec }] })
    const heard = async (file: string) => {
      const sound = await readSound({ ffmpeg: TOOLS.ffmpeg, file, stream: 1 })
      return findBeeps(sound.runs, { ...sound, track: 0 }).map(({ at_s }) => at_s)
    }
    const [own, wanted] = [await heard(output), await heard(source)]
    assert.equal(own.length, wanted.length)
    // ffmpeg reads times of Matroska in ms.
    for (const [at, time] of wanted.entries())
      assert.ok(Math.abs(own[at]! - time) < 0.0011, `${(own[at]! - time) * 48_000} samples`)
    assert.equal((await sounds(output))[0]?.codec, codec)
  })

test('two merges have the same bytes, and one of the other codec and container differs in nothing else', async (t) => {
  const film = await realCase(t)
  const source = await richFilm(film)
  const recipe = { ...MKV, renditions: ladderOf([90], { ...DEFAULT_ENCODING, codec: 'hevc', preset: 'ultrafast' }) }
  const [one, other] = [await film.run(source, recipe), await film.run(source, recipe)]
  const read = (path: string) => film.read(path.slice(film.dir.length + 1))
  assert.ok((await read(one.output)).equals(await read(other.output)))
  assert.match((await streamsIn(one.output))[0] ?? '', /^video hevc/)
})
