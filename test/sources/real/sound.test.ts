/**
 * Sound as people have it: codecs that the container of the extras cannot hold, speakers that only the source's container knows, tracks
 * that nothing decodes, and sound that begins before the picture. The right values are those of plain ffmpeg.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { execa } from 'execa'
import { TOOLS } from '../../../testing/sources/make.ts'
import { pictures, sounds, type Track } from '../../../testing/sources/measure.ts'
import { picture, type RealCase, realCase, tone, toneLevels, tones, X264 } from '../../../testing/sources/real.ts'

/** dB that two AAC encodes of one sound may differ. */
const CLOSE_DB = 0.5

/** The sound of a film as plain ffmpeg makes it. */
async function plain(film: RealCase, source: string, kbps = 192): Promise<Track[]> {
  return sounds(await film.make('plain.m4a', ['-i', source, '-map', '0:a', '-c:a', 'aac', '-b:a', `${kbps}k`]))
}

/** Every channel as plain ffmpeg has it. Levels that an encoder has filtered away (an LFE) need not agree. */
function assertLike(got: readonly Track[], wanted: readonly Track[]): void {
  assert.deepEqual(
    got.map(({ layout }) => layout),
    wanted.map(({ layout }) => layout),
  )
  for (const [track, { levels, samples }] of wanted.entries()) {
    assert.ok(Math.abs((got[track]?.samples ?? 0) - samples) <= 2048, `track ${track}: ${got[track]?.samples} samples`)
    for (const [channel, level] of levels.entries()) {
      const own = got[track]?.levels[channel] ?? 0
      assert.ok(Math.abs(own - level) < CLOSE_DB || (own < -40 && level < -40), `track ${track}, ${channel}: ${own} dB`)
    }
  }
}

const USUAL_FILM = [...picture({ seconds: 2, size: '160x90' })]

for (const [layout, channels] of [
  ['3.0', 3],
  ['2.1', 3],
  ['quad', 4],
  ['3.0(back)', 3],
  ['7.1', 8],
] as const) {
  test(`PCM of layout ${layout} keeps its speakers`, async (t) => {
    const film = await realCase(t)
    const source = await film.make('a.mov', [
      ...USUAL_FILM, ...tones(layout, channels, { seconds: 2 }), ...X264, '-c:a', 'pcm_s16le',
    ]) // biome-ignore format: groups
    const { output, notes, plan } = await film.run(source)
    assert.deepEqual(notes, [])
    assert.equal(plan.audio[0]?.layout, layout)
    assertLike(await sounds(output), await plain(film, source, 64 * channels))
  })
}

test('a centre speaker of FLAC is no LFE, which would be filtered', async (t) => {
  const film = await realCase(t)
  const source = await film.make('a.mkv', [...USUAL_FILM, ...tones('3.0', 3, { seconds: 2 }), ...X264, '-c:a', 'flac'])
  const { output } = await film.run(source)
  const [track] = await sounds(output)
  assert.equal(track?.layout, '3.0')
  for (const [channel, level] of toneLevels(3).entries())
    assert.ok(Math.abs((track?.levels[channel] ?? 0) - level) < CLOSE_DB, `channel ${channel}`)
})

const CODECS = [
  ['truehd', 'a.mkv', ['-strict', '-2']],
  ['mlp', 'a.mkv', ['-strict', '-2']],
  ['alac', 'a.mov', []],
  ['tta', 'a.mkv', []],
  ['wmav2', 'a.wmv', []],
  ['libopus', 'a.webm.mkv', []],
  ['adpcm_ima_qt', 'a.mov', ['-ac', '2']],
] as const

for (const [codec, name, options] of CODECS) {
  test(`sound of ${codec} comes out as AAC`, async (t) => {
    const film = await realCase(t)
    const video = name.endsWith('.wmv') ? ['-c:v', 'wmv2'] : X264
    const sound = codec === 'adpcm_ima_qt' ? tone({ seconds: 2 }) : tones('stereo', 2, { seconds: 2 })
    const source = await film.make(name, [...USUAL_FILM, ...sound, ...video, '-c:a', codec, ...options])
    const { output, notes, plan } = await film.run(source)
    assert.deepEqual(notes, [])
    assert.equal(plan.audio[0]?.extra, 'decoded')
    assertLike(await sounds(output), await plain(film, source))
  })
}

test('LPCM of a DVD and SMPTE 302M of a broadcast come out as AAC', async (t) => {
  const film = await realCase(t)
  const mpeg2 = ['-c:v', 'mpeg2video', '-b:v', '2M']
  const sound = tones('stereo', 2, { seconds: 2 })
  const dvd = await film.make('a.vob', [...USUAL_FILM, ...sound, ...mpeg2, '-c:a', 'pcm_dvd', '-f', 'vob'])
  const broadcast = await film.make('a.ts', [...USUAL_FILM, ...sound, ...mpeg2, '-c:a', 's302m', '-strict', '-2'])
  for (const source of [dvd, broadcast])
    assertLike(await sounds((await film.run(source)).output), await plain(film, source))
})

test('one odd track is decoded, the others are copied', async (t) => {
  const film = await realCase(t)
  const two = [...tone({ seconds: 2 }), ...tone({ seconds: 2, hz: 660 })]
  const maps = ['-map', '0', '-map', '1', '-map', '2']
  const codecs = ['-c:a:0', 'aac', '-c:a:1', 'alac']
  const source = await film.make('a.mov', [...USUAL_FILM, ...two, ...maps, ...X264, ...codecs])
  const { output, plan } = await film.run(source)
  assert.deepEqual(
    plan.audio.map(({ extra }) => extra),
    ['copied', 'decoded'],
  )
  assertLike(await sounds(output), await plain(film, source))
})

test('more channels than AAC holds are mixed, and a note says so', async (t) => {
  const film = await realCase(t)
  const source = await film.make('a.mkv', [
    ...USUAL_FILM, ...tones('22.2', 24, { seconds: 1 }), ...X264, '-c:a', 'pcm_s16le',
  ]) // biome-ignore format: groups
  const { output, notes } = await film.run(source)
  assert.deepEqual(notes, ['Audio track 1 (pcm_s16le) has 22.2, which AAC cannot hold: it is mixed to 7.1.'])
  const [track] = await sounds(output)
  assert.equal(track?.layout, '7.1')
  assert.ok((track?.levels[0] ?? -100) > -40)
})

/** An MP4 with AAC, and ALAC whose sample entry is called otherwise afterwards. */
async function renamed(film: RealCase, entry: string, withAac: boolean): Promise<string> {
  const sound = [...(withAac ? tone({ seconds: 2 }) : []), ...tones('4.0', 4, { seconds: 2 })]
  const maps = ['-map', '0', '-map', '1', ...(withAac ? ['-map', '2'] : [])]
  const codecs = withAac ? ['-c:a:0', 'aac', '-c:a:1', 'alac'] : ['-c:a', 'alac']
  await film.make('a.mp4', [...USUAL_FILM, ...sound, ...maps, ...X264, ...codecs])
  return film.patch('a.mp4', { from: 'alac', to: entry })
}

for (const entry of ['mhm1', 'mha1', 'ac-4', 'apac']) {
  test(`a track that no decoder reads (${entry}) is left out with a note`, async (t) => {
    const film = await realCase(t)
    const { output, notes } = await film.run(await renamed(film, entry, true))
    assert.equal(notes.length, 1)
    assert.match(notes[0] ?? '', /^Audio track 2 \(\w+\) is left out: this ffmpeg has no decoder for it\.$/)
    const tracks = await sounds(output)
    assert.equal(tracks.length, 1)
    assert.ok(Math.abs((tracks[0]?.levels[0] ?? 0) + 21.1) < CLOSE_DB)
  })
}

test('a film whose only sound cannot be decoded is silent, with a note', async (t) => {
  const film = await realCase(t)
  const { output, notes } = await film.run(await renamed(film, 'mhm1', false))
  assert.match(notes.join(), /Audio track 1 \(mpegh_3d_audio\) is left out/)
  assert.deepEqual(await sounds(output), [])
  assert.equal((await pictures(output)).length, 50)
})

test('of a damaged track what decodes is kept', async (t) => {
  const film = await realCase(t)
  const source = await film.make('a.mkv', [
    ...picture({ seconds: 4, size: '160x90' }),
    ...tone(),
    ...X264,
    '-c:a',
    'mp2',
  ])
  const bytes = await readFile(source)
  const show = ['-select_streams', 'a', '-show_entries', 'packet=pos,size', '-of', 'csv=p=0']
  const { stdout } = await execa(TOOLS.ffprobe, ['-v', 'error', ...show, source])
  const packets = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number) as [number, number])
  // Four of five packets hold nothing. ffmpeg itself gives up where two of three cannot be decoded.
  for (const [at, [size, position]] of packets.entries()) if (at % 5 !== 2) bytes.fill(0, position + 8, position + size)
  const { output } = await film.run(await film.write('b.mkv', bytes))
  const [track] = await sounds(output)
  assert.ok((track?.levels[0] ?? -100) > -40, `${track?.levels[0]} dB`)
  assert.ok((track?.samples ?? 0) > 3 * 48_000)
  assert.equal((await pictures(output)).length, 100)
})

test('MP3 in AVI whose packets have useless times sounds as long as its samples', async (t) => {
  const film = await realCase(t)
  const avi = [...USUAL_FILM, ...tone({ seconds: 2, rate: 44_100 }), ...X264, '-c:a', 'libmp3lame', '-b:a', '128k']
  const bytes = await readFile(await film.make('a.avi', avi))
  // The stream header of the sound: scale, rate, and a sample size of 1 instead of 0 (a variable rate).
  const header = bytes.indexOf('auds', 0, 'latin1')
  bytes.writeUInt32LE(8, header + 20)
  bytes.writeUInt32LE(30_625, header + 24)
  bytes.writeUInt32LE(1, header + 44)
  const { output, plan } = await film.run(await film.write('b.avi', bytes))
  assert.equal(plan.audio[0]?.extra, 'counted')
  const [track] = await sounds(output)
  assert.ok(Math.abs((track?.samples ?? 0) / 48_000 - 2) < 0.15, `${track?.samples} samples`)
  assert.ok(Math.abs((track?.levels[0] ?? 0) + 21.1) < 1)
  assert.equal((await pictures(output)).length, 50)
})

test('of 40 tracks 32 are taken, and the note says so', async (t) => {
  const film = await realCase(t)
  const inputs = [...USUAL_FILM, ...tone({ seconds: 1 })]
  const maps = ['-map', '0', ...Array.from({ length: 40 }, () => ['-map', '1']).flat()]
  const source = await film.make('a.mkv', [...inputs, ...maps, ...X264, '-c:a', 'aac', '-ar', '8000'])
  const { output, notes } = await film.run(source)
  assert.equal(notes.length, 1)
  assert.match(notes[0] ?? '', /^Audio tracks 33 .* are left out: only 32 tracks are taken\.$/)
  assert.equal((await sounds(output)).length, 32)
})

/** Seconds at which the first picture, and the first and last sound of the first track, are. */
async function beginnings(output: string): Promise<{ picture: number; sound: number; seconds: number }> {
  const [shown, [track]] = [await pictures(output), await sounds(output)]
  return {
    picture: shown[0]?.at_s ?? -1,
    sound: track?.start_s ?? -1,
    seconds: (track?.samples ?? 0) / (track?.rate ?? 1),
  }
}

test('sound before the first picture is kept: the film begins with it', async (t) => {
  const film = await realCase(t)
  const delayed = ['-itsoffset', '3', ...picture({ size: '160x90' })]
  const source = await film.make('a.mkv', [
    ...delayed, ...tone({ seconds: 7 }), '-map', '0', '-map', '1', ...X264, '-c:a', 'aac',
  ]) // biome-ignore format: groups
  const { output, notes } = await film.run(source)
  assert.deepEqual(notes, [])
  const { picture: first, sound, seconds } = await beginnings(output)
  assert.ok(Math.abs(first - 3.02) < 0.03, `picture at ${first}`)
  assert.ok(Math.abs(sound) < 0.03 && Math.abs(seconds - 7) < 0.06, `sound at ${sound}, ${seconds} s`)
  assert.equal((await pictures(output)).length, 100)
})

test('a picture that an empty edit delays by a second comes a second after the sound', async (t) => {
  const film = await realCase(t)
  await film.make('p.mp4', [
    ...picture({ seconds: 3, size: '160x90' }),
    ...tone({ seconds: 4 }),
    ...X264,
    '-c:a',
    'aac',
  ])
  const maps = ['-map', '0:v', '-map', '1:a', '-c', 'copy']
  const source = await film.make('a.mp4', ['-itsoffset', '1', '-i', 'p.mp4', '-i', 'p.mp4', ...maps])
  const { picture: first, sound, seconds } = await beginnings((await film.run(source)).output)
  assert.ok(Math.abs(first - 1) < 0.0001, `picture at ${first}`)
  assert.ok(Math.abs(sound) < 0.001 && Math.abs(seconds - 4) < 0.05, `${seconds} s`)
})

test('a recording that begins in mid-GOP keeps the sound before its first picture', async (t) => {
  const film = await realCase(t)
  const long = [...X264, '-g', '75', '-c:a', 'mp2']
  const bytes = await readFile(
    await film.make('a.ts', [...picture({ seconds: 4, size: '160x90' }), ...tone(), ...long]),
  )
  const head = bytes.subarray(0, 188 * 3)
  const from = Math.floor(bytes.length * 0.2)
  const source = await film.write('b.ts', Buffer.concat([head, bytes.subarray(from - (from % 188))]))
  const { output } = await film.run(source)
  const { picture: first, seconds } = await beginnings(output)
  const [wanted] = await plain(film, source)
  assert.ok(first > 0.5, `picture at ${first}`)
  assert.ok(Math.abs(seconds - (wanted?.samples ?? 0) / 48_000) < 0.1, `${seconds} s of sound`)
})

test('sound a few milliseconds before the picture does not delay it', async (t) => {
  const film = await realCase(t)
  const delayed = ['-itsoffset', '0.04', ...USUAL_FILM]
  const source = await film.make('a.mkv', [
    ...delayed,
    ...tone({ seconds: 2 }),
    '-map',
    '0',
    '-map',
    '1',
    ...X264,
    '-c:a',
    'flac',
  ])
  const { output, plan } = await film.run(source)
  assert.equal(plan.lead, 0)
  assert.equal((await beginnings(output)).picture, 0)
})
