/** Containers and codecs that hardly anybody makes films of: each becomes one with a build that decodes it, and is refused by one that does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes } from '../../../testing/sources/measure.ts'
import { assertAlike, isDecoded, picture, realCase, refusal, X264 } from '../../../testing/sources/real.ts'

/** Ten pictures of each: `film.EXTENSION`, by these arguments. */
const CASES: readonly { what: string; file: string; args: readonly string[] }[] = [
  { what: 'raw pictures with a header (y4m)', file: 'film.y4m', args: ['-pix_fmt', 'yuv420p'] },
  { what: 'raw MPEG-4', file: 'film.m4v', args: ['-c:v', 'mpeg4', '-f', 'm4v'] },
  { what: 'JPEG pictures of a web camera (MPJPEG)', file: 'film.mpjpeg', args: ['-f', 'mpjpeg', '-q:v', '2'] },
  { what: 'a screen recording', file: 'film.avi', args: ['-c:v', 'zmbv', '-pix_fmt', 'bgr0'] },
  { what: 'JPEG 2000', file: 'film.mov', args: ['-c:v', 'jpeg2000', '-pix_fmt', 'yuv420p'] },
  { what: 'CineForm', file: 'film.mov', args: ['-c:v', 'cfhd'] },
  { what: 'an Adobe filmstrip', file: 'film.flm', args: ['-c:v', 'rawvideo', '-pix_fmt', 'rgba'] },
  { what: 'SpeedHQ', file: 'film.mkv', args: ['-c:v', 'speedhq', '-pix_fmt', 'yuv420p'] },
]

for (const { what, file, args } of CASES) {
  test(`${what} is transcoded`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(file, [...picture({ seconds: 0.4 }), ...args])
    if (!(await isDecoded(source))) return assert.match(await refusal(film.run(source)), /film\.\w+|cannot decode/)
    const { output, notes } = await film.run(source)
    assert.equal((await frameTimes(output)).length, 10)
    assert.doesNotMatch(notes.join(' '), /missing/)
    await assertAlike(output, source, { pictures: 10, least: 0.95 })
  })
}

test('an FLV that a streaming server recorded is transcoded, in several chunks', async (t) => {
  const film = await realCase(t)
  await film.make('film.flv', [...picture({ size: '160x90', seconds: 9 }), ...X264, '-g', '25', '-bf', '0'])
  const bytes = await film.read('film.flv')
  // ffmpeg has a demuxer of its own for files that bear this name at this place.
  bytes.write('NGINX RTMP', 49, 'latin1')
  const { output, plan } = await film.run(await film.write('film.flv', bytes))
  assert.equal(plan.chunks.length, 2)
  assert.equal((await frameTimes(output)).length, 225)
})

test('a recording of an astronomer (SER) is transcoded', async (t) => {
  const film = await realCase(t)
  const [width, height, count] = [64, 48, 10]
  const head = Buffer.alloc(178)
  head.write('LUCAM-RECORDER')
  for (const [at, value] of [0, 0, 1, width, height, 8, count].entries()) head.writeInt32LE(value, 14 + 4 * at)
  const frames = Array.from({ length: count }, (_, at) => Buffer.alloc(width * height, at * 20))
  const { output } = await film.run(await film.write('film.ser', Buffer.concat([head, ...frames])))
  assert.equal((await frameTimes(output)).length, count)
})
