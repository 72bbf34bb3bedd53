/**
 * Films as sites have them: each packaged by `reelmesh run`, read by parsers of others and by ffmpeg, and played where Chromium decodes it. With
 * `npm run test:players -- --all` by every player, else by one of them.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { execa } from 'execa'
import type { Browser } from 'playwright-core'
import { LATE_CUE, STREAM_CASES, type StreamCase } from '../../testing/players/cases.ts'
import {
  type Buffered,
  call,
  type FileServer,
  openPage,
  type Player,
  serveFolder,
  startBrowser,
} from '../../testing/players/players.ts'
import { boxesOf, checkedLength, manifest, picturesOf, playlist } from '../../testing/players/read-package.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { runCli } from '../../testing/tools/run-cli.ts'

type Played = readonly [Player, 'master.m3u8' | 'manifest.mpd']
const PLAYERS: readonly Played[] = [
  ['hls.js', 'master.m3u8'],
  ['shaka', 'manifest.mpd'],
  ['shaka', 'master.m3u8'],
  ['dash.js', 'manifest.mpd'],
]
/** The players of the case of this number: all, or one, each in its turn. */
const playersOf = (at: number, { isHlsOnly, isSampled }: StreamCase): readonly Played[] => {
  const able = PLAYERS.filter(
    ([player, file]) => (!isHlsOnly || file === 'master.m3u8') && !(isSampled && player === 'hls.js'),
  )
  return process.env.REELMESH_ALL === '1' ? able : [able[at % able.length]!]
}
/** Chromium keeps times in microseconds, and films in Matroska have whole milliseconds. */
const SLACK_S = 0.0011
/** Of the encrypted package; it is served beside it. */
const KEY = '000102030405060708090a0b0c0d0e0f'
/** By which players find it: the beginning of its sha256. */
const KEY_ID = createHash('sha256').update(Buffer.from(KEY, 'hex')).digest('hex').slice(0, 32)

let dir: string
let browser: Browser
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reelmesh-cases-'))
  await writeFile(join(dir, 'film.key'), KEY)
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await rm(dir, { recursive: true, force: true })
})

/** Makes the film and its package; answers the folder of the package, and when each picture of the source is shown, seconds. */
async function packaged(of: StreamCase, at: number): Promise<{ folder: string; times: number[] }> {
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const [film, words, ladder] = [`film-${at}.mkv`, join(dir, `words-${at}.srt`), `ladder-${at}.yaml`]
  await writeFile(words, of.words ?? '')
  await writeFile(join(dir, ladder), `renditions:\n${(of.ladder ?? []).map((each) => `  - ${each}\n`).join('')}`)
  const inputs = of.film.lastIndexOf('-i') + 2
  const texts = of.words === undefined ? [] : ['-i', words]
  const args = [...of.film.slice(0, inputs), ...texts, ...of.film.slice(inputs)]
  await execa(ffmpeg, ['-nostdin', '-v', 'error', ...args, join(dir, film)])
  const asked = of.ladder ? ['--ladder', ladder] : ['--renditions', '72p,90p', '--preset', 'ultrafast']
  const formats = ['--package', of.isHlsOnly ? 'hls' : 'hls,dash', '--package-only', '--out', 'out']
  const { code, stdout, stderr } = await runCli(['run', film, ...asked, ...formats, ...(of.args ?? [])], {
    cwd: dir,
    dataDir: join(dir, `data-${at}`),
  })
  assert.equal(code, 0, `${stdout}${stderr}`)
  const folder = join(dir, 'out', `film-${at}`)
  await writeFile(join(folder, 'film.key'), Buffer.from(KEY, 'hex'))
  return { folder, times: await picturesOf(ffprobe, join(dir, film)) }
}

function areNear(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, `${what}: number of pictures`)
  for (const [at, time] of expected.entries())
    assert.ok(Math.abs(actual[at]! - time) <= SLACK_S, `${what}: picture ${at} at ${actual[at]}, expected ${time}`)
}

for (const [at, film] of STREAM_CASES.entries()) {
  describe(film.name, () => {
    let folder = ''
    let times: number[] = []
    let server: FileServer
    before(async () => {
      ;({ folder, times } = await packaged(film, at))
      server = await serveFolder(folder, { answersRanges: !film.isPlainServer })
    })
    after(() => server?.close())

    it(`${film.name}: parsers and ffmpeg read every picture at its time`, async () => {
      const { ffprobe } = await ensureFfmpeg()
      const { playlists, mediaGroups } = await playlist(join(folder, 'master.m3u8'))
      const sounds = Object.values(mediaGroups.AUDIO).flatMap((group) => Object.keys(group as object))
      assert.deepEqual([playlists.length, sounds.length], [film.ladder?.length ?? 2, film.sounds])
      const dash = film.isHlsOnly ? null : await manifest(join(folder, 'manifest.mpd'))
      for (const { uri, attributes } of playlists) {
        const [codec] = attributes.CODECS.split(',')
        const track = uri.replace('.m3u8', '')
        areNear(await picturesOf(ffprobe, join(folder, uri)), times, `ffmpeg, ${uri}`)
        if (film.isHlsOnly) continue
        const boxes = await boxesOf(folder, track)
        areNear(boxes.times, times, `mp4box, ${track}`)
        assert.equal(boxes.codec.toLowerCase(), film.isSampled ? 'encv' : codec.toLowerCase())
        const own = dash.playlists.find((each: { attributes: { NAME: string } }) => each.attributes.NAME === track)
        assert.equal(own?.attributes.CODECS, codec)
      }
      const length = await checkedLength(join(folder, playlists[0].uri))
      assert.ok(length > times.at(-1)! && length <= times.at(-1)! + 0.5 + SLACK_S, `${length}`)
      for (const { uri } of playlists)
        assert.ok(Math.abs((await checkedLength(join(folder, uri))) - length) < 1e-3, uri)
    })

    if (!film.plays) return
    for (const [player, file] of playersOf(at, film))
      it(`${film.name}: ${player} plays ${file} from the first picture to the last`, async () => {
        const page = await openPage(browser, server)
        if (film.isSampled) await call(page, 'useKeys', { [KEY_ID]: KEY })
        try {
          const { first, duration } = await call<{ first: number; duration: number }>(
            page,
            'load',
            player,
            `${server.url}/${file}`,
          )
          assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
          for (const { type, ranges } of await call<Buffered[]>(page, 'buffered'))
            assert.ok(
              ranges.every(([start], at) => at > 0 || start <= SLACK_S),
              `${type} begins late`,
            )
          for (const share of times.length > 1 ? [0.6, 0.2] : []) {
            const picture = Math.floor(share * times.length)
            const [expected, next] = [times[picture]!, times[picture + 1]!]
            areNear([await call<number>(page, 'seek', (expected + next) / 2)], [expected], `sent to picture ${picture}`)
          }
          if (duration > 2) await call(page, 'seek', duration - 1)
          const { last, at: ended } = await call<{ last: number; at: number }>(page, 'playToEnd')
          areNear([last], [times.at(-1)!], 'the last picture')
          assert.ok(ended >= duration - SLACK_S, `it ended at ${ended} s`)
          const buffers = await call<Buffered[]>(page, 'buffered')
          assert.equal(buffers.length, film.sounds > 0 ? 2 : 1)
          for (const { type, offset, ranges } of buffers) {
            assert.ok(Math.abs(offset) <= SLACK_S, `${type} is moved by ${offset} s`)
            assert.ok(Math.abs(ranges.at(-1)![1] - duration) < 0.25, `${type} ends at ${ranges.at(-1)![1]} s`)
          }
        } finally {
          await page.close()
        }
        if (film.words === undefined) return
        const own = await openPage(browser, server)
        await call(own, 'load', player, `${server.url}/${file}`)
        assert.deepEqual(await call(own, 'cues', LATE_CUE.startTime), [LATE_CUE])
        await own.close()
      })
  })
}
