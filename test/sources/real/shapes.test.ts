/** Pictures that change their shape in mid-film keep their proportions; fields become frames. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { execa } from 'execa'
import { TOOLS } from '../../../testing/sources/make.ts'
import { frameTimes, probe } from '../../../testing/sources/measure.ts'
import { assertAlike, picture, type RealCase, realCase, tone, X264 } from '../../../testing/sources/real.ts'

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

/** Width and height of the white square in one picture of the file. */
async function square(file: string, number: number): Promise<{ width: number; height: number }> {
  const { streams } = await probe(file)
  const size = streams.find(({ type }) => type === 'video')
  assert.ok(size?.width && size.height)
  const { stdout } = await execa(
    TOOLS.ffmpeg,
    ['-v', 'error', '-i', file, '-vf', `select=eq(n\\,${number}),format=gray`, '-frames:v', '1', '-f', 'rawvideo', '-'],
    { encoding: 'buffer' },
  )
  const white = [...stdout.entries()].filter(([, value]) => value > 200).map(([at]) => at)
  const columns = white.map((at) => at % size.width)
  const rows = white.map((at) => Math.floor(at / size.width))
  const span = (values: readonly number[]) => Math.max(...values) - Math.min(...values) + 1
  return { width: span(columns), height: span(rows) }
}

async function assertSquares(file: string): Promise<void> {
  for (const number of [0, 74, 75, 149]) {
    const { width, height } = await square(file, number)
    assert.ok(width >= 70 && Math.abs(width / height - 1) < 0.03, `picture ${number}: ${width}×${height}`)
  }
}

for (const container of ['ts', 'flv']) {
  test(`a film in ${container} that goes on with another size keeps squares square, and says so`, async (t) => {
    const film = await realCase(t)
    let source = await joined(film, [
      { size: '640x360', codec: X264 },
      { size: '320x240', codec: X264 },
    ])
    if (container !== 'ts') source = await film.make(`film.${container}`, ['-i', 'joined.ts', '-c', 'copy'])
    const { output, notes } = await film.run(source)
    assert.match(notes.join(), /changes its shape \(640×360, 320×240 from 3\.0 s\)/)
    assert.equal((await frameTimes(output)).length, 150)
    await assertSquares(output)
  })
}

test('a broadcast that changes from 4:3 to 16:9 at one size keeps its proportions', async (t) => {
  const film = await realCase(t)
  const codec = ['-c:v', 'mpeg2video', '-b:v', '3M']
  const source = await joined(film, [
    { size: '720x576', filter: 'setsar=16/15', codec },
    { size: '720x576', filter: 'setsar=64/45', codec },
  ])
  const { output, notes } = await film.run(source)
  assert.match(notes.join(), /pixels of 64:45 from 3\.0 s/)
  assert.equal((await frameTimes(output)).length, 150)
  // The squares of the source are as wide as its pixels.
  const ratio = async (number: number) => {
    const { width, height } = await square(output, number)
    return width / height
  }
  assert.ok(Math.abs((await ratio(10)) - 16 / 15) < 0.03)
  assert.ok(Math.abs((await ratio(140)) - 64 / 45) < 0.03)
})

for (const order of ['tff', 'bff']) {
  test(`interlaced HEVC (${order}) comes out in frames of full height`, async (t) => {
    const film = await realCase(t)
    const fields = ['-vf', `interlace=scan=${order},separatefields`]
    const x265 = [
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-x265-params',
      `interlace=${order}:keyint=50:log-level=error`,
    ]
    const inputs = [...picture({ size: '320x240', rate: '50', seconds: 3 }), ...tone({ seconds: 3 })]
    const source = await film.make('film.mp4', [...inputs, ...fields, ...x265, '-tag:v', 'hvc1', '-c:a', 'aac'])
    const { output } = await film.run(source)
    const video = (await probe(output)).streams.find(({ type }) => type === 'video')
    assert.deepEqual([video?.width, video?.height], [320, 240])
    assert.deepEqual(
      await frameTimes(output),
      Array.from({ length: 75 }, (_, at) => at / 25),
    )
    const first = order === 'tff' ? 'top' : 'bottom'
    const lossless = ['-c:v', 'ffv1', '-fps_mode', 'passthrough']
    const plain = await film.make('plain.mkv', [
      '-i',
      source,
      '-vf',
      `weave=first_field=${first},bwdif=send_frame`,
      ...lossless,
    ])
    await assertAlike(output, plain, { pictures: 75 })
  })
}
