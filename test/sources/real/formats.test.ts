/** Containers and codecs that hardly anybody makes films of: each becomes one with a build that decodes it, and is refused by one that does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameTimes } from '../../../testing/sources/measure.ts'
import { assertAlike, isDecoded, picture, realCase, refusal } from '../../../testing/sources/real.ts'

/** Ten pictures of each: `film.EXTENSION`, by these arguments. */
const CASES: readonly { what: string; file: string; args: readonly string[] }[] = [
  { what: 'raw pictures with a header (y4m)', file: 'film.y4m', args: ['-pix_fmt', 'yuv420p'] },
  { what: 'raw MPEG-4', file: 'film.m4v', args: ['-c:v', 'mpeg4', '-f', 'm4v'] },
  { what: 'JPEG pictures of a web camera (MPJPEG)', file: 'film.mpjpeg', args: ['-f', 'mpjpeg', '-q:v', '2'] },
  { what: 'a screen recording', file: 'film.avi', args: ['-c:v', 'zmbv', '-pix_fmt', 'bgr0'] },
  { what: 'JPEG 2000', file: 'film.mov', args: ['-c:v', 'jpeg2000', '-pix_fmt', 'yuv420p'] },
  { what: 'CineForm', file: 'film.mov', args: ['-c:v', 'cfhd'] },
  { what: 'SpeedHQ', file: 'film.mkv', args: ['-c:v', 'speedhq', '-pix_fmt', 'yuv420p'] },
]

for (const { what, file, args } of CASES) {
  test(`${what} is transcoded`, async (t) => {
    const film = await realCase(t)
    const source = await film.make(file, [...picture({ seconds: 0.4 }), ...args])
    if (!(await isDecoded(source))) return assert.match(await refusal(film.run(source)), /film\.\w+|cannot decode/)
    const { output } = await film.run(source)
    assert.equal((await frameTimes(output)).length, 10)
    await assertAlike(output, source, { pictures: 10, least: 0.95 })
  })
}
