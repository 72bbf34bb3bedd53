/** Pictures of codecs that not every container can describe, and of films whose packets are not what their times say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes, pictures, ssim } from '../../../testing/sources/measure.ts'
import {
  assertAlike,
  picture,
  type RealResult,
  realCase,
  runOrCannot,
  tone,
  X264,
} from '../../../testing/sources/real.ts'

const PALETTE = 'split[a][b];[a]palettegen[p];[b][p]paletteuse'
const frames = (count: number, rate: number) => Array.from({ length: count }, (_, at) => at / rate)

/** Asserts that every picture of `source` is shown at its time, and looks as plain ffmpeg shows it. */
async function assertShown(
  { output, notes }: RealResult,
  source: string,
  {
    times,
    likeness: least = 0.97,
    notes: expected = [],
  }: { times: readonly number[]; likeness?: number; notes?: readonly RegExp[] },
): Promise<void> {
  assert.equal(notes.length, expected.length, notes.join(' '))
  for (const [at, note] of expected.entries()) assert.match(notes[at] ?? '', note)
  assert.deepEqual((await frameTimes(output)).map(rounded), times.map(rounded))
  const likeness = await ssim(output, source)
  assert.equal(likeness.length, times.length)
  assert.ok(Math.min(...likeness) >= least, `SSIM ${Math.min(...likeness)}`)
}
/** Results of RGB are BT.709, as tagged; plain ffmpeg makes BT.601 of it to compare with. Noise has 0.1. */
const RGB_LIKENESS = 0.94
const rounded = (seconds: number): number => Math.round(seconds * 1e4) / 1e4

/** A film of two chunks: a shorter one in MOV or Matroska is not cut. */
const TWO_CHUNKS = { seconds: 12, rate: '2' }
const UNDESCRIBED: readonly (readonly [what: string, name: string, args: readonly string[]])[] = [
  ['uncompressed RGB in AVI', 'a.avi', ['-c:v', 'rawvideo', '-pix_fmt', 'bgr24']],
  ['uncompressed pictures with alpha in MOV', 'a.mov', ['-c:v', 'rawvideo', '-pix_fmt', 'argb']],
  ['a palette in AVI', 'a.avi', ['-vf', PALETTE, '-c:v', 'rawvideo', '-pix_fmt', 'pal8']],
  ['a palette in MOV', 'a.mov', ['-vf', PALETTE, '-c:v', 'rawvideo', '-pix_fmt', 'pal8']],
  ['a palette in AVI, later chunks too', 'b.avi', ['-vf', PALETTE, '-c:v', 'rawvideo', '-pix_fmt', 'pal8']],
  ['QuickTime Animation', 'a.mov', ['-c:v', 'qtrle', '-pix_fmt', 'rgb24']],
  ['QuickTime Animation with a palette', 'a.mov', ['-vf', PALETTE, '-c:v', 'qtrle', '-pix_fmt', 'pal8']],
]
for (const [what, name, args] of UNDESCRIBED) {
  test(`${what} comes out as it is`, async (t) => {
    const film = await realCase(t)
    const notes = args.includes('argb') ? [/alpha channel, which is left out/] : []
    const isShort = name === 'a.avi'
    const source = await film.make(name, [...picture(isShort ? { seconds: 0.4 } : TWO_CHUNKS), ...args])
    const result = await film.run(source)
    assert.notEqual(result.plan.cut_format, 'nut')
    const times = isShort ? frames(10, 25) : frames(24, 2)
    await assertShown(result, source, { times, likeness: RGB_LIKENESS, notes })
  })
}

test('DNxHD in MXF is cut into a container that can hold it', async (t) => {
  const film = await realCase(t)
  const coding = ['-pix_fmt', 'yuv422p', '-c:v', 'dnxhd', '-b:v', '120M']
  const source = await film.make('a.mxf', [...picture({ size: '1920x1080', seconds: 0.2 }), ...coding])
  await assertShown(await film.run(source), source, { times: frames(5, 25) })
})

test('a short film is read straight from its source, picture and sound; from TS it is cut, as some build cannot read that', async (t) => {
  const film = await realCase(t)
  for (const name of ['a.mkv', 'a.mov', 'a.ts']) {
    const sound = ['-c:a', name === 'a.mov' ? 'pcm_s16le' : 'aac']
    const source = await film.make(name, [...picture({ seconds: 1 }), ...tone({ seconds: 1 }), ...X264, ...sound])
    const result = await runOrCannot(film, source)
    if (result === null) continue
    const { plan, output } = result
    const ways = [plan.cut_format, plan.chunks[0]!.cut === null, ...plan.audio.map(({ extra }) => extra)]
    assert.deepEqual(ways, name === 'a.ts' ? ['nut', false, 'copied'] : ['none', true, 'none'], name)
    const shown = await frameTimes(output)
    assert.equal(shown.length, 25, name)
    await assertAlike(output, source, { pictures: 25 })
  }
})

test('five pictures whose times no copy keeps are all shown', async (t) => {
  const film = await realCase(t)
  const x264 = ['-frames:v', '5', '-c:v', 'libx264', '-bf', '3', '-b_strategy', '0', '-x264-params', 'b-pyramid=none']
  const source = await film.make('a.mp4', [...picture(), ...x264, '-movflags', 'negative_cts_offsets'])
  await assertShown(await film.run(source), source, { times: frames(5, 25) })
})

test('a film that does not begin with a key picture shows what can be decoded, and has a note of the rest', async (t) => {
  const film = await realCase(t)
  await film.make('whole.mp4', [...picture({ size: '160x90', seconds: 3 }), ...X264, '-bf', '2', '-g', '50'])
  const source = await film.make('a.mp4', ['-i', 'whole.mp4', '-ss', '0.5', '-copyinkf', '-c', 'copy'])
  const { output, notes, plan } = await film.run(source)
  const shown = await frameTimes(output)
  const decoded = (await pictures(source)).length
  assert.equal(shown.length, Math.min(decoded, plan.frames))
  assert.ok(shown.length === plan.frames || notes.length > 0, 'a note says what is missing')
})

test('a film whose edit begins in an open GOP shows every picture, and so does each of its chunks', async (t) => {
  const film = await realCase(t)
  const open = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-x264-params',
    'open-gop=1:keyint=25:min-keyint=25:bframes=2:b-adapt=0:scenecut=0',
  ]
  await film.make('whole.mp4', [...picture({ size: '160x90', seconds: 11 }), ...open])
  const source = await film.make('a.mp4', ['-ss', '1.9', '-i', 'whole.mp4', '-c', 'copy'])
  const { output, plan, notes } = await film.run(source)
  assert.ok(plan.chunks.length > 1)
  assert.deepEqual(notes, [])
  assert.equal((await frameTimes(output)).length, plan.frames)
  assert.equal(plan.frames, (await pictures(source)).length)
})

test('pictures that refresh step by step are whole from the first of each chunk', async (t) => {
  const film = await realCase(t)
  const refresh = ['-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'intra-refresh=1:keyint=25:bframes=0']
  const source = await film.make('a.ts', [...picture({ size: '160x90', seconds: 9 }), ...refresh])
  const result = await runOrCannot(film, source)
  if (result === null) return
  const { output, plan, notes } = result
  assert.ok(plan.chunks.length > 1)
  assert.deepEqual(notes, [])
  assert.equal((await frameTimes(output)).length, 9 * 25)
})

for (const [name, coding] of [
  ['a.h264', [...X264, '-bf', '2']],
  ['b.h264', [...X264, '-bf', '0']],
  ['a.hevc', ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error']],
] as const) {
  test(`a bare stream without times, ${name}, is shown at its own rate, and a note says so`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(name, [...picture({ size: '160x90', rate: '30', seconds: 2 }), ...coding])
    const { output, notes } = await film.run(source)
    assert.deepEqual((await frameTimes(output)).map(rounded), frames(60, 30).map(rounded))
    assert.match(notes.join(), /no timestamps: its frames are shown at 30 per second/)
  })
}

for (const [what, coding] of [
  ['H.264', [...X264, '-bf', '2', '-b_strategy', '0']],
  ['MPEG-4', ['-c:v', 'mpeg4', '-q:v', '2', '-bf', '2']],
] as const) {
  test(`${what} whose file says only when pictures are decoded is shown in order, with a note`, async (t) => {
    const film = await realCase(t)
    const input = picture({ size: '160x90', seconds: 9 })
    const whole = await film.make('whole.mp4', [...input, ...coding, '-use_editlist', '0'])
    await film.join('a.mp4', ['whole.mp4'])
    const source = await film.patch('a.mp4', { from: 'ctts', to: 'free' })
    const notes = [/says when its frames are decoded, but not when they are shown: .* at 25 per second/]
    await assertShown(await film.run(source), whole, { times: frames(225, 25), likeness: 0.95, notes })
  })
}

test('a turned film that cannot be cut is turned once', async (t) => {
  const film = await realCase(t)
  await film.make('flat.mov', [...picture({ seconds: 0.4 }), '-c:v', 'qtrle', '-pix_fmt', 'rgb24'])
  const source = await film.make('a.mov', ['-i', 'flat.mov', '-c', 'copy', '-metadata:s:v', 'rotate=90'])
  const result = await film.run(source)
  assert.ok(result.plan.renditions[0]!.height > result.plan.renditions[0]!.width)
  await assertShown(result, source, { times: frames(10, 25), likeness: RGB_LIKENESS })
})
