/** Pictures that move are videos; still ones are refused, and a note names a lost alpha channel. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes } from '../../../testing/sources/measure.ts'
import { assertAlike, picture, realCase, refusal, runOrCannot } from '../../../testing/sources/real.ts'

const PALETTE = 'split[a][b];[a]palettegen[p];[b][p]paletteuse'

test('an animated GIF with pauses of different lengths keeps its times and its picture', async (t) => {
  const film = await realCase(t)
  const held = `select='not(between(n,10,30))',${PALETTE}`
  const source = await film.make('film.gif', [...picture({ seconds: 2 }), '-vf', held, '-fps_mode', 'vfr'])
  const { output } = await film.run(source)
  const expected = Array.from({ length: 50 }, (_, at) => at).filter((at) => at < 10 || at > 30)
  assert.deepEqual(
    (await frameTimes(output)).map((time) => time.toFixed(2)),
    expected.map((at) => (at / 25).toFixed(2)),
  )
  // Not 0.97: RGB becomes BT.709, as the result says, and ffmpeg's comparison assumes BT.601.
  await assertAlike(output, source, { pictures: expected.length, least: 0.92 })
})

for (const [file, args] of Object.entries({
  'film.apng': ['-f', 'apng'],
  'film.mjpeg': ['-c:v', 'mjpeg', '-f', 'mjpeg'],
})) {
  test(`${file} is a film`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(file, [...picture({ seconds: 2 }), ...args])
    const result = await runOrCannot(film, source)
    if (result === null) return
    assert.deepEqual(
      await frameTimes(result.output),
      Array.from({ length: 50 }, (_, at) => at / 25),
    )
  })
}

test('a still GIF, PNG or JPEG is refused as what it is', async (t) => {
  const film = await realCase(t)
  for (const name of ['still.gif', 'still.png', 'still.jpg']) {
    const source = await film.make(name, [...picture({ seconds: 1 }), '-frames:v', '1'])
    assert.match(await refusal(film.run(source)), /still\.\w+" is a still picture, not a video\.$/)
  }
})

test('a lost alpha channel has a note', async (t) => {
  const film = await realCase(t)
  const alpha = ['-vf', 'format=rgba,colorchannelmixer=aa=0.5', '-c:v', 'png', '-pix_fmt', 'rgba']
  const source = await film.make('film.mov', [...picture({ seconds: 1 }), ...alpha])
  const result = await runOrCannot(film, source)
  if (result !== null) assert.match(result.notes.join(), /alpha channel, which is left out/)
})
