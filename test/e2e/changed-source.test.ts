/**
 * A source that is changed while it is encoded, by a program that replaces a film with a better copy of it, say: two films of one structure,
 * so that neither sizes of pictures nor times distinguish them. ffmpeg does it itself, before it cuts the second chunk.
 */
import assert from 'node:assert/strict'
import { access, copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { execa } from 'execa'
import { TOOLS } from '../../testing/sources/make.ts'
import { assertAlike } from '../../testing/sources/real.ts'
import { runFilms } from '../../testing/sources/real-run.ts'
import { folder } from '../../testing/tools/folder.ts'
import { oddFfmpeg } from './nodes.ts'

const [SECONDS, RATE] = [40, 10]

/** What happens to `film.mp4`, beside which `other.mp4` lies, and `film.mp4.time`, with its times. */
const HARMFUL = {
  'is replaced by another': 'mv other.mp4 film.mp4',
  'is written over in place, and gets its old times back':
    'dd if=other.mp4 of=film.mp4 conv=notrunc; touch -r film.mp4.time film.mp4',
}
const HARMLESS = {
  'gets another link and mode': 'ln film.mp4 link.mp4; chmod 600 film.mp4',
  // The copy of the sound, which is made at the same time, has ended by then: it would see another file.
  'is away for the time of one cut, with another in its place':
    'sleep 8; mv film.mp4 away.mp4; mv other.mp4 film.mp4; ffmpeg "$@"; mv away.mp4 film.mp4; exit',
}

let films = ''
let odd: Awaited<ReturnType<typeof oddFfmpeg>>

before(async (t) => {
  films = await folder(t as TestContext)
  for (const name of ['testsrc2', 'testsrc']) {
    const picture = ['-f', 'lavfi', '-i', `${name}=s=160x90:r=${RATE}:d=${SECONDS}`]
    const tone = ['-f', 'lavfi', '-i', `sine=440:r=48000:d=${SECONDS}`]
    const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '200k', '-g', '20', '-c:a', 'aac']
    // Pictures that say how they are shown are cut by ffmpeg; others are not (media/plain-copy.test.ts).
    x264.push('-x264-params', 'pic-struct=1')
    await execa(TOOLS.ffmpeg, ['-v', 'error', ...picture, ...tone, ...x264, join(films, `${name}.mp4`)])
  }
  const once = (does: string) =>
    `case "$* " in */waiting-*-1\\ *) [ -e changed ] || { touch changed; ${does}; } ;; esac`
  const modes = Object.entries({ ...HARMFUL, ...HARMLESS }).map(
    ([, does], at) => [`${at}`, `cd "$(cat '${films}/where')"; ${once(does)}`] as const,
  )
  odd = await oddFfmpeg(films, Object.fromEntries(modes))
})

async function encodeWhile(t: TestContext, how: string) {
  const dir = await folder(t)
  const film = join(dir, 'film.mp4')
  await copyFile(join(films, 'testsrc2.mp4'), film)
  await execa('touch', ['-r', film, `${film}.time`])
  await copyFile(join(films, 'testsrc.mp4'), join(dir, 'other.mp4'))
  await writeFile(join(films, 'where'), dir)
  await odd.set(`${Object.keys({ ...HARMFUL, ...HARMLESS }).indexOf(how)}`)
  const result = await runFilms([film], { dir, args: odd.flags })
  await access(join(dir, 'changed'))
  return result
}

describe('a film that', { concurrency: 1 }, () => {
  for (const how of Object.keys(HARMFUL))
    it(`${how} while it is encoded fails with one sentence, and nothing is delivered`, async (t) => {
      const { code, failures, delivered } = await encodeWhile(t, how)
      assert.deepEqual(failures, ['film.mp4 was changed while it was encoded; submit it again'])
      assert.deepEqual([code, delivered.size], [1, 0])
    })

  for (const how of Object.keys(HARMLESS))
    it(`${how} is encoded exactly`, async (t) => {
      const { code, failures, delivered, stderr } = await encodeWhile(t, how)
      assert.deepEqual([code, failures], [0, []], stderr)
      const [output] = delivered.get('film')?.outputs ?? []
      await assertAlike(output!, join(films, 'testsrc2.mp4'), { pictures: SECONDS * RATE, least: 0.9 })
    })
})
