/**
 * A package as people see it: made by `reelmesh run`, served as plain files, and played by what sites use, in a real Chromium. Sound and picture
 * are compared by what the browser has buffered of each, which is exact.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { execa } from 'execa'
import type { Browser, Page } from 'playwright-core'
import {
  type Buffered,
  call,
  type FileServer,
  openPage,
  type Player,
  serveFolder,
  startBrowser,
} from '../../testing/players/players.ts'
import { atEnd, endsOf } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'

const MANIFESTS: readonly (readonly [Player, string])[] = [
  ['hls.js', 'master.m3u8'],
  ['dash.js', 'manifest.mpd'],
  ['shaka', 'master.m3u8'],
  ['shaka', 'manifest.mpd'],
  ['browser', 'master.m3u8'],
]
/** Chromium keeps times in microseconds, and its buffers end with the last sample. */
const SLACK_S = 0.001
const [FPS, SECONDS] = [25, 20.2]
/** Where a seek goes, and the picture that is shown there. */
const SEEKS = [7.02, 18.5, 2.98, 3, 5.999] as const
const CUE = { startTime: 12.25, endTime: 14.5, text: 'A late word' }

const ends = endsOf(after)
let dir: string
let server: FileServer
let browser: Browser
before(async () => {
  dir = await folder(ends)
  await makeFilm(join(dir, 'film.mkv'))
  const args = [
    'run',
    'film.mkv',
    '--renditions',
    '90p,180p',
    '--preset',
    'ultrafast',
    '--package',
    'hls,dash',
    '--out',
    'out',
  ]
  const { code, stdout, stderr } = await runCli(args, { cwd: dir, dataDir: join(dir, 'data') })
  assert.equal(code, 0, `${stdout}${stderr}`)
  server = await serveFolder(join(dir, 'out/film'))
  atEnd(ends, () => server.close())
  browser = await startBrowser()
  atEnd(ends, () => browser.close())
})

/** Two languages, and one text in the second half. */
async function makeFilm(path: string): Promise<void> {
  const { ffmpeg } = await ensureFfmpeg()
  const words = join(dir, 'words.srt')
  await writeFile(words, `1\n00:00:12,250 --> 00:00:14,500\n${CUE.text}\n`)
  const tone = (hz: number) => ['-f', 'lavfi', '-i', `sine=frequency=${hz}:duration=${SECONDS}:r=48000`]
  await execa(ffmpeg, [
    '-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${FPS}:d=${SECONDS}`, ...tone(440), ...tone(880), '-i', words,
    '-map', '0', '-map', '1', '-map', '2', '-map', '3', '-preset', 'ultrafast', '-bf', '3', '-c:a', 'aac', '-c:s', 'srt',
    '-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=fra', '-metadata:s:s:0', 'language=eng', path,
  ]) // biome-ignore format: groups
}

const near = (value: number, expected: number, what: string): void =>
  assert.ok(Math.abs(value - expected) <= SLACK_S, `${what}: ${value}, expected ${expected}`)

for (const [player, manifest] of MANIFESTS) {
  const name = `${player} with ${manifest}`
  describe(name, () => {
    let page: Page
    before(async () => {
      page = await openPage(browser, server)
    })
    after(() => page?.close())

    it(`${name} begins with the first picture`, async () => {
      const { first, duration } = await call<{ first: number; duration: number }>(
        page,
        'load',
        player,
        `${server.url}/${manifest}`,
      )
      near(first, 0, 'the first picture')
      assert.ok(duration >= SECONDS - SLACK_S && duration < SECONDS + 0.05, `${duration}`)
    })
    it(`${name} shows the picture of every time that it is sent to`, async () => {
      for (const seconds of SEEKS) {
        const shown = await call<number>(page, 'seek', seconds)
        near(shown, Math.floor(seconds * FPS + 1e-6) / FPS, `the picture at ${seconds} s`)
      }
    })
    it(`${name} plays to the last picture`, async () => {
      await call(page, 'seek', SECONDS - 1.5)
      const { last, at } = await call<{ last: number; at: number }>(page, 'playToEnd')
      near(last, SECONDS - 1 / FPS, 'the last picture')
      assert.ok(at >= SECONDS - SLACK_S, `it ended at ${at} s`)
    })
    if (player === 'browser') return
    it(`${name} has picture and sound of one length, from 0 on, moved by nobody`, async () => {
      const all = await call<Buffered[]>(page, 'buffered')
      assert.equal(all.length, 2)
      for (const { type, offset, ranges } of all) {
        near(offset, 0, `${type}: the offset`)
        const end = ranges.at(-1)![1]
        assert.ok(end >= SECONDS - SLACK_S && end < SECONDS + 0.025, `${type} ends at ${end} s`)
      }
    })
    it(`${name} offers both languages, and shows the text at its time`, async () => {
      const own = await openPage(browser, server)
      await call(own, 'load', player, `${server.url}/${manifest}`)
      assert.deepEqual((await call<string[]>(own, 'languages')).sort(), ['en', 'fr'])
      assert.deepEqual(await call(own, 'cues', 12.5), [CUE])
      await own.close()
    })
    it(`${name} changes to the other rendition and goes on`, async () => {
      await call(page, 'seek', 1)
      const at = await call<number>(page, 'switchTo', 180)
      assert.ok(at < SECONDS, `${at}`)
      near(await call(page, 'seek', 9.02), 9, 'a picture after the change')
    })
  })
}
