/**
 * Sound as people have it: codecs that the container of the extras cannot hold, speakers that only the source's container knows, tracks
 * that nothing decodes, and sound that begins before the picture. The right values are those of plain ffmpeg.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { execa } from 'execa'
import { TOOLS } from '../../../testing/sources/make.ts'
import { pictures, probe, sounds, type Track } from '../../../testing/sources/measure.ts'
import {
  picture,
  type RealCase,
  realCase,
  runOrCannot,
  tone,
  toneLevels,
  tones,
  X264,
} from '../../../testing/sources/real.ts'

/** dB that two AAC encodes of one sound may differ. */
const CLOSE_DB = 0.5

/** The sound of a film as plain ffmpeg makes it, at so many kb/s in each track. */
async function plain(film: RealCase, source: string, kbps: readonly number[] = [192]): Promise<Track[]> {
  const rates = kbps.flatMap((rate, track) => [`-b:a:${track}`, `${rate}k`])
  return sounds(await film.make('plain.m4a', ['-i', source, '-map', '0:a', '-c:a', 'aac', ...rates]))
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

interface Sound {
  readonly codec: string
  readonly layout: string
  readonly channels: number
}

const sound = (codec: string, layout = 'stereo', channels = 2): Sound => ({ codec, layout, channels })

/** A film of 2 s with these tracks, every channel with a sound of its own. */
function filmWith(film: RealCase, name: string, tracks: readonly Sound[], video: readonly string[] = X264) {
  const inputs = tracks.flatMap(({ layout, channels }) => tones(layout, channels, { seconds: 2 }))
  const maps = [0, ...tracks.keys().map((track) => track + 1)].flatMap((input) => ['-map', String(input)])
  const codecs = tracks.flatMap(({ codec }, track) => [`-c:a:${track}`, codec])
  return film.make(name, [...USUAL_FILM, ...inputs, ...maps, ...video, ...codecs, '-strict', '-2'])
}

test('PCM keeps its speakers, which only the container knows', async (t) => {
  const film = await realCase(t)
  const tracks = [['3.0', 3], ['2.1', 3], ['quad', 4], ['3.0(back)', 3], ['7.1', 8]] as const // biome-ignore format: a list
  const pcm = tracks.map(([layout, channels]) => sound('pcm_s16le', layout, channels))
  const source = await filmWith(film, 'a.mov', pcm)
  const { output, notes, plan } = await film.run(source)
  assert.deepEqual(notes, [])
  assert.deepEqual(
    plan.audio.map(({ layout }) => layout),
    pcm.map(({ layout }) => layout),
  )
  const kbps = pcm.map(({ channels }) => 64 * channels)
  assertLike(await sounds(output), await plain(film, source, kbps))
})

const CODECS: readonly { name: string; video?: readonly string[]; decoded: readonly string[]; copied?: string }[] = [
  { name: 'a.mkv', decoded: ['truehd', 'mlp', 'tta', 'libopus'] },
  { name: 'a.mov', decoded: ['alac', 'adpcm_ima_qt'], copied: 'aac' },
  { name: 'a.wmv', decoded: ['wmav2'], video: ['-c:v', 'wmv2'] },
]

for (const { name, video, decoded, copied } of CODECS) {
  test(`sound of ${decoded.join(', ')} comes out as AAC`, async (t) => {
    const film = await realCase(t)
    const tracks = [...decoded, ...(copied === undefined ? [] : [copied])].map((codec) => sound(codec))
    const source = await filmWith(film, name, tracks, video)
    const { output, notes, plan } = await film.run(source)
    assert.deepEqual(notes, [])
    assert.deepEqual(
      plan.audio.map(({ extra }) => extra),
      tracks.map(({ codec }) => (codec === copied ? 'copied' : 'decoded')),
    )
    assertLike(
      await sounds(output),
      await plain(
        film,
        source,
        tracks.map(() => 192),
      ),
    )
  })
}

test('a centre speaker of FLAC is no LFE, which would be filtered, and more channels than AAC holds are mixed with a note', async (t) => {
  const film = await realCase(t)
  const source = await filmWith(film, 'a.mkv', [sound('flac', '3.0', 3), sound('pcm_s16le', '22.2', 24)])
  const { output, notes } = await film.run(source)
  assert.deepEqual(notes, ['Audio track 2 (pcm_s16le) has 22.2, which AAC cannot hold: it is mixed to 7.1.'])
  const [flac, mixed] = await sounds(output)
  assert.equal(flac?.layout, '3.0')
  for (const [channel, level] of toneLevels(3).entries())
    assert.ok(Math.abs((flac?.levels[channel] ?? 0) - level) < CLOSE_DB, `channel ${channel}`)
  assert.equal(mixed?.layout, '7.1')
  assert.ok((mixed?.levels[0] ?? -100) > -40)
})

test('LPCM of a DVD and SMPTE 302M of a broadcast come out as AAC', async (t) => {
  const film = await realCase(t)
  const mpeg2 = ['-c:v', 'mpeg2video', '-b:v', '2M']
  for (const [name, codec] of [
    ['a.vob', 'pcm_dvd'],
    ['a.ts', 's302m'],
  ] as const) {
    const source = await filmWith(film, name, [sound(codec)], mpeg2)
    const result = await runOrCannot(film, source)
    if (result !== null) assertLike(await sounds(result.output), await plain(film, source))
  }
})

/** An MP4 with ALAC, as many tracks as there are names for their sample entries, behind a track of AAC where that is asked for. */
async function renamed(film: RealCase, entries: readonly string[], withAac: boolean): Promise<string> {
  const alac = entries.map(() => sound('alac', '4.0', 4))
  await filmWith(film, 'a.mp4', [...(withAac ? [sound('aac', 'mono', 1)] : []), ...alac])
  // Each entry holds a box of its own name.
  for (const [at, entry] of entries.entries()) await film.patch('a.mp4', { from: 'alac', to: entry, which: at })
  return film.path('a.mp4')
}

test('tracks that no decoder reads are left out with a note', async (t) => {
  const film = await realCase(t)
  const { output, notes } = await film.run(await renamed(film, ['mhm1', 'mha1', 'ac-4', 'apac'], true))
  // Which name each has is up to the build.
  assert.equal(notes.length, 4)
  for (const [at, note] of notes.entries())
    assert.match(
      note,
      new RegExp(`^Audio track ${at + 2} \\(\\w+\\) is left out: this ffmpeg has no decoder for it\\.$`),
    )
  const tracks = await sounds(output)
  assert.equal(tracks.length, 1)
  assert.ok(Math.abs((tracks[0]?.levels[0] ?? 0) - toneLevels(1)[0]!) < CLOSE_DB)
})

test('a film whose only sound cannot be decoded is silent, with a note', async (t) => {
  const film = await realCase(t)
  const { output, notes } = await film.run(await renamed(film, ['mhm1'], false))
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
  assert.deepEqual([plan.cut_format, plan.audio[0]?.extra], ['none', 'counted'])
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
  const { streams } = await probe(output)
  assert.equal(streams.filter(({ type }) => type === 'audio').length, 32)
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
  const result = await runOrCannot(film, source)
  if (result === null) return
  const { picture: first, seconds } = await beginnings(result.output)
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
  assert.equal(plan.cut_format, 'none')
  assert.equal((await beginnings(output)).picture, 0)
})
