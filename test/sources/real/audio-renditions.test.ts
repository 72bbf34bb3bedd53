/** Audio renditions: what each makes of the tracks of a source, to the sample, and what a person reads where one cannot be followed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beepsWav, findBeeps } from '../../../testing/sources/beeps.ts'
import { TOOLS } from '../../../testing/sources/make.ts'
import { pictures, probe, sounds } from '../../../testing/sources/measure.ts'
import { readSound } from '../../../testing/sources/read.ts'
import { FAST_480P, picture, type RealCase, realCase, tones, X264 } from '../../../testing/sources/real.ts'

const SECONDS = 4

/** When the beeps of a band are heard in a track of a file, seconds after the first picture. */
async function heard(file: string, stream: number, band: number): Promise<number[]> {
  const sound = await readSound({ ffmpeg: TOOLS.ffmpeg, file, stream })
  const [first] = await pictures(file)
  return findBeeps(sound.runs, { ...sound, track: band }).map(({ at_s }) => at_s - first!.at_s)
}

/** A film of beeps in three tracks: stereo English as AAC, 5.1 French as AC-3, mono in no language as FLAC. */
async function beepFilm(film: RealCase, name: string, more: readonly string[] = []): Promise<string> {
  for (const [track, channels] of ([2, 6, 1] as const).entries())
    await film.write(`${track}.wav`, beepsWav({ track, channels, rate: 48_000, seconds: SECONDS }))
  return film.make(name, [
    ...picture({ seconds: SECONDS, size: '160x90' }), '-i', '0.wav', '-i', '1.wav', '-i', '2.wav',
    '-map', '0', '-map', '1', '-map', '2', '-map', '3', ...X264, '-c:a:0', 'aac', '-c:a:1', 'ac3', '-c:a:2', 'flac', '-strict', '-2',
    '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra', '-disposition:a:1', '0', ...more,
  ]) // biome-ignore format: groups
}

/** Matroska rounds the times of pictures and of copied sound to milliseconds. */
const SLACK_S = { 'a.mkv': 0.001, 'a.mp4': 1.5 / 48_000 } as const

for (const name of ['a.mkv', 'a.mp4'] as const)
  test(`Opus, copies and mixes of ${name} begin with the same sample as the source`, async (t) => {
    const film = await realCase(t)
    const source = await beepFilm(film, name)
    const audio = [{ codec: 'copy' }, { codec: 'opus' }, { codec: 'opus', channels: 1, kbps: 48 }] as const
    const { output, notes, plan } = await film.run(source, { ...FAST_480P, audio })
    assert.deepEqual(notes, ['Audio track 3 (flac) cannot be copied into MP4: it is encoded as AAC.'])
    // The mono track has one Opus track: that of the rendition that asks for as many channels.
    const codecs = ['aac', 'ac3', 'aac', 'opus', 'opus', 'opus', 'opus', 'opus']
    const { streams } = await probe(output)
    const tracks = streams.filter(({ type }) => type === 'audio')
    assert.deepEqual(
      tracks.map(({ codec }) => codec),
      codecs,
    )
    assert.deepEqual(
      (await sounds(output)).map(({ layout }) => layout),
      ['stereo', '5.1(side)', 'mono', 'stereo', '5.1', 'mono', 'mono', 'mono'],
    )
    assert.deepEqual(
      plan.sounds?.map(({ flags }) => flags),
      [['default'], ...Array(7).fill([])],
    )
    // 5.1 in one channel is too quiet for the detector.
    for (const [at, band] of [0, 1, 2, 0, 1, 0, null, 2].entries()) {
      if (band === null) continue
      const [own, wanted] = [await heard(output, 1 + at, band), await heard(source, 1 + band, band)]
      assert.ok(
        wanted.length >= 3 && own.length === wanted.length,
        `track ${at}: ${own.length} of ${wanted.length} beeps`,
      )
      for (const [beep, time] of wanted.entries())
        assert.ok(
          Math.abs(own[beep]! - time) < SLACK_S[name],
          `track ${at}: ${(own[beep]! - time) * 48_000} samples late`,
        )
    }
  })

test('languages choose tracks, the first of which is the default; 5.1 is mixed down; other tracks are left out with a note', async (t) => {
  const film = await realCase(t)
  const source = await beepFilm(film, 'a.mkv')
  const audio = [{ codec: 'aac', channels: 2, kbps: 128, languages: ['fr-CA'] }] as const
  const { output, notes, plan } = await film.run(source, { ...FAST_480P, audio })
  assert.deepEqual(notes, [
    'Audio track 1 (aac, eng) is left out: its language is none of those asked for (fr-CA).',
    'Audio track 3 (flac) is left out: its language is none of those asked for (fr-CA).',
  ])
  assert.deepEqual(plan.sounds, [
    { stream: 2, codec: 'aac', channels: 2, layout: 'stereo', kbps: 128, flags: ['default'] },
  ])
  const [only, ...others] = await sounds(output)
  assert.deepEqual([only?.layout, others], ['stereo', []])
})

test('a film in none of the languages asked for keeps all of its sound, with a note', async (t) => {
  const film = await realCase(t)
  const source = await beepFilm(film, 'a.mkv')
  const audio = [{ codec: 'aac', languages: ['jpn'] }] as const
  const { output, notes } = await film.run(source, { ...FAST_480P, audio })
  assert.deepEqual(notes, ['No audio track has one of the languages asked for (jpn): all are kept.'])
  assert.equal((await sounds(output)).length, 3)
})

test('what MP4 does not hold is encoded as AAC in place of a copy, with a note', async (t) => {
  const film = await realCase(t)
  const source = await film.make('a.mkv', [
    ...picture({ seconds: 2, size: '160x90' }), ...tones('stereo', 2, { seconds: 2 }), ...X264, '-c:a', 'pcm_s16le',
  ]) // biome-ignore format: groups
  const { output, notes } = await film.run(source, { ...FAST_480P, audio: [{ codec: 'copy' }] })
  assert.deepEqual(notes, ['Audio track 1 (pcm_s16le) cannot be copied into MP4: it is encoded as AAC.'])
  assert.deepEqual(
    (await probe(output)).streams.map(({ codec }) => codec),
    ['h264', 'aac'],
  )
})

test('Opus holds layouts of its own: others become the next larger one', async (t) => {
  const film = await realCase(t)
  const inputs = [['2.1', 3], ['5.1(side)', 6], ['7.1', 8]] as const // biome-ignore format: a list
  const source = await film.make('a.mov', [
    ...picture({ seconds: 2, size: '160x90' }), ...inputs.flatMap(([layout, channels]) => tones(layout, channels, { seconds: 2 })),
    '-map', '0', '-map', '1', '-map', '2', '-map', '3', ...X264, '-c:a', 'pcm_s16le',
  ]) // biome-ignore format: groups
  const { output } = await film.run(source, { ...FAST_480P, audio: [{ codec: 'opus' }] })
  assert.deepEqual(
    (await sounds(output)).map(({ layout }) => layout),
    ['5.1', '5.1', '7.1'],
  )
})

test('one AAC rendition that sets nothing makes the bytes of no rendition at all', async (t) => {
  const film = await realCase(t)
  const source = await beepFilm(film, 'a.mkv')
  const [plain, same] = [await film.run(source), await film.run(source, { ...FAST_480P, audio: [{ codec: 'aac' }] })]
  assert.ok(
    (await film.read(plain.output.slice(film.dir.length + 1))).equals(
      await film.read(same.output.slice(film.dir.length + 1)),
    ),
  )
})
