/** Pictures that change their shape in mid-film keep their proportions; fields become frames. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { TOOLS } from '../../../testing/sources/make.ts'
import { frameTimes, probe } from '../../../testing/sources/measure.ts'
import { assertAlike, picture, type RealCase, realCase, runOrCannot, X264 } from '../../../testing/sources/real.ts'

const SQUARE = 'drawbox=x=100:y=100:w=100:h=100:color=white:t=fill'

/** Two parts of 3 s with a white square of 100x100 each, joined byte by byte as a recorder does. */
async function joined(film: RealCase, parts: readonly { size: string; filter?: string; codec: readonly string[] }[]) {
  for (const [at, { size, filter = 'null', codec }] of parts.entries()) {
    const clip = ['-f', 'lavfi', '-i', `color=c=blue:s=${size}:r=25:d=3,${SQUARE},${filter}`]
    const start = ['-output_ts_offset', String(at * 3 + (codec.includes('mpeg2video') ? 0.04 * at : 0))]
    await film.make(`${at}.ts`, [...clip, ...codec, '-g', '25', ...start])
  }
  return film.join('joined.ts', ['0.ts', '1.ts'])
}

/** Width and height of the white square in these pictures of the file. */
async function squares(file: string, numbers: readonly number[]): Promise<{ width: number; height: number }[]> {
  const { width, height } = (await probe(file)).streams.find(({ type }) => type === 'video')!
  const select = `select=${numbers.map((number) => `eq(n\\,${number})`).join('+')},format=gray`
  const { stdout } = await execa(
    TOOLS.ffmpeg,
    ['-v', 'error', '-i', file, '-vf', select, '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    { encoding: 'buffer', stdin: 'ignore' },
  )
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values) + 1
  return numbers.map((_, at) => {
    const luma = stdout.subarray(at * width * height, (at + 1) * width * height)
    const white = [...luma.entries()].filter(([, value]) => value > 200).map(([place]) => place)
    return {
      width: span(white.map((place) => place % width)),
      height: span(white.map((place) => Math.floor(place / width))),
    }
  })
}

for (const container of ['ts', 'flv']) {
  test(`a film in ${container} that goes on with another size keeps squares square, and says so`, async (t) => {
    const film = await realCase(t)
    let source = await joined(film, [
      { size: '640x360', codec: X264 },
      { size: '320x240', codec: X264 },
    ])
    if (container !== 'ts') source = await film.make(`film.${container}`, ['-i', 'joined.ts', '-c', 'copy'])
    const result = await runOrCannot(film, source)
    if (result === null) return
    assert.match(result.notes.join(), /changes its shape \(640×360, 320×240 from 3\.0 s\)/)
    assert.equal(result.plan.cut_format, 'nut')
    assert.equal((await frameTimes(result.output)).length, 150)
    const shown = await squares(result.output, [0, 74, 75, 149])
    for (const { width, height } of shown)
      assert.ok(width >= 70 && Math.abs(width / height - 1) < 0.03, `${width}×${height} of ${JSON.stringify(shown)}`)
  })
}

test('a broadcast that changes from 4:3 to 16:9 at one size keeps its proportions', async (t) => {
  const film = await realCase(t)
  const codec = ['-c:v', 'mpeg2video', '-b:v', '3M']
  const source = await joined(film, [
    { size: '720x576', filter: 'setsar=16/15', codec },
    { size: '720x576', filter: 'setsar=64/45', codec },
  ])
  const result = await runOrCannot(film, source)
  if (result === null) return
  assert.match(result.notes.join(), /pixels of 64:45 from 3\.0 s/)
  assert.equal((await frameTimes(result.output)).length, 150)
  // The squares of the source are as wide as its pixels.
  const ratios = (await squares(result.output, [10, 140])).map(({ width, height }) => width / height)
  for (const [at, wanted] of [16 / 15, 64 / 45].entries())
    assert.ok(Math.abs(ratios[at]! - wanted) < 0.03, `${ratios[at]} for ${wanted}`)
})

for (const order of ['tff', 'bff']) {
  test(`interlaced HEVC (${order}) comes out in frames of full height`, async (t) => {
    const film = await realCase(t)
    const fields = ['-vf', `interlace=scan=${order},separatefields`]
    const params = `interlace=${order}:keyint=50:log-level=error`
    const x265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', params, '-tag:v', 'hvc1']
    const input = picture({ size: '320x240', rate: '50', seconds: 2 })
    const source = await film.make('film.mp4', [...input, ...fields, ...x265])
    const { output } = await film.run(source)
    const video = (await probe(output)).streams.find(({ type }) => type === 'video')
    assert.deepEqual([video?.width, video?.height], [320, 240])
    assert.deepEqual(
      await frameTimes(output),
      Array.from({ length: 50 }, (_, at) => at / 25),
    )
    const first = order === 'tff' ? 'top' : 'bottom'
    const woven = ['-vf', `weave=first_field=${first},bwdif=send_frame`, '-c:v', 'ffv1', '-fps_mode', 'passthrough']
    const plain = await film.make('plain.mkv', ['-i', source, ...woven])
    await assertAlike(output, plain, { pictures: 50 })
  })
}
