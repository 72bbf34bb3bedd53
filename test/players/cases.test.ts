/**
 * Films as sites have them: each packaged, read by parsers of others and by ffmpeg, and played where Chromium decodes it. With
 * `npm run test:players -- --all cases` by every player, from a server of files; with `--node` too, from that of a node. Else by one of the players, from either.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFile, writeFile } from 'node:fs/promises'
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
import { atEnd, endsOf } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { type MeshNode, startNode, statusOf, submit, until } from '../e2e/nodes.ts'

type Played = readonly [Player, 'master.m3u8' | 'manifest.mpd']
const PLAYERS: readonly Played[] = [
  ['hls.js', 'master.m3u8'],
  ['shaka', 'manifest.mpd'],
  ['shaka', 'master.m3u8'],
  ['dash.js', 'manifest.mpd'],
]
/** The players of the case of this number: all, or one, each in its turn. */
const playersOf = (at: number, { encryption }: StreamCase): readonly Played[] => {
  const able = PLAYERS.filter(
    ([player, file]) =>
      (encryption !== 'aes-128' || file === 'master.m3u8') && !(encryption === 'cbcs' && player === 'hls.js'),
  )
  return process.env.REELMESH_ALL === '1' ? able : [able[at % able.length]!]
}
/** Whether the case of this number is played from the HTTP server of a node: with `--node` all, with `--all` none, else some. */
const isFromNode = (at: number): boolean =>
  process.env.REELMESH_FROM_NODE === '1' || (process.env.REELMESH_ALL !== '1' && at % 5 === 4)
/** Chromium keeps times in microseconds, and films in Matroska have whole milliseconds. */
const SLACK_S = 0.0011
/** Of the encrypted packages. */
const KEY = '000102030405060708090a0b0c0d0e0f'
/** By which players find it: the beginning of its sha256. */
const KEY_ID = createHash('sha256').update(Buffer.from(KEY, 'hex')).digest('hex').slice(0, 32)

const ends = endsOf(after)
let dir: string
let browser: Browser
/** Of pages that play from the node, and of the key there. */
let pages: FileServer
let node: MeshNode
before(async () => {
  dir = await folder(ends)
  await writeFile(join(dir, 'key.hex'), KEY)
  await writeFile(join(dir, 'film.key'), Buffer.from(KEY, 'hex'))
  pages = await serveFolder(dir)
  atEnd(ends, () => pages.close())
  node = await startNode(ends, dir, { name: 'node', flags: ['--http', '127.0.0.1:0', '--http-cors', pages.url] })
  browser = await startBrowser()
  atEnd(ends, () => browser.close())
})

/** A package and what serves it. */
interface Served {
  readonly folder: string
  /** When each picture of the source is shown, seconds. */
  readonly times: readonly number[]
  /** The origin of the pages that play it. */
  readonly server: FileServer
  urlOf(file: string): string
}

/** Makes the film, its package, and a server for it. */
async function served(of: StreamCase, at: number): Promise<Served> {
  const { ffmpeg, ffprobe } = await ensureFfmpeg()
  const [film, words, ladder] = [`film-${at}.mkv`, join(dir, `words-${at}.srt`), `ladder-${at}.yaml`]
  await writeFile(words, of.words ?? '')
  await writeFile(join(dir, ladder), `renditions:\n${(of.ladder ?? []).map((each) => `  - ${each}\n`).join('')}`)
  const inputs = of.film.lastIndexOf('-i') + 2
  const texts = of.words === undefined ? [] : ['-i', words]
  const args = [...of.film.slice(0, inputs), ...texts, ...of.film.slice(inputs)]
  await execa(ffmpeg, ['-nostdin', '-v', 'error', ...args, join(dir, film)])
  const keyUrl = isFromNode(at) ? `${pages.url}/film.key` : 'film.key'
  const key = ['--hls-key', 'key.hex', '--hls-key-url', keyUrl, '--hls-encryption', String(of.encryption)]
  const form = [
    ...(of.ladder ? ['--ladder', ladder] : ['--renditions', '72p,90p', '--preset', 'ultrafast']),
    ...['--package', of.encryption === 'aes-128' ? 'hls' : 'hls,dash', '--package-only', ...(of.args ?? [])],
    ...(of.encryption ? key : []),
  ]
  const folder = join(dir, 'out', `film-${at}`)
  const made = { folder, times: await picturesOf(ffprobe, join(dir, film)) }
  if (isFromNode(at)) {
    const id = await submit(node, dir, join(dir, film), form)
    await until('it is delivered', async () => {
      const row = (await statusOf(node)).videos.find((video) => video.id === id)
      return row?.deliveries.every(({ done_at }) => done_at !== null)
    })
    const urlOf = (file: string) => `${node.http}/v1/videos/${id}/${file.endsWith('.mpd') ? 'dash' : 'hls'}/${file}`
    return { ...made, server: pages, urlOf }
  }
  const { code, stdout, stderr } = await runCli(['run', film, ...form, '--out', 'out'], {
    cwd: dir,
    dataDir: join(dir, `data-${at}`),
  })
  assert.equal(code, 0, `${stdout}${stderr}`)
  await copyFile(join(dir, 'film.key'), join(folder, 'film.key'))
  const server = await serveFolder(folder, { answersRanges: !of.isPlainServer })
  atEnd(ends, () => server.close())
  return { ...made, server, urlOf: (file) => `${server.url}/${file}` }
}

function areNear(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, `${what}: number of pictures`)
  for (const [at, time] of expected.entries())
    assert.ok(Math.abs(actual[at]! - time) <= SLACK_S, `${what}: picture ${at} at ${actual[at]}, expected ${time}`)
}

/** Just behind the start of a segment hls.js may ask for none (findings/hls-js-seek-behind-segment.sh), seconds. */
const BEHIND_START_S = 0.2

/** When the segments of pictures and sound begin, seconds. */
async function segmentStarts(folder: string): Promise<number[]> {
  const { playlists, mediaGroups } = await playlist(join(folder, 'master.m3u8'))
  const sounds = Object.values<object>(mediaGroups.AUDIO).flatMap((group) => Object.values(group))
  const starts: number[] = []
  for (const { uri } of [...playlists, ...sounds]) {
    let at = 0
    for (const { duration } of (await playlist(join(folder, uri))).segments) {
      starts.push(at)
      at += duration
    }
  }
  return starts
}

/** The first picture from a share of the film on that is not just behind the start of a segment. */
function pictureInside(starts: readonly number[], times: readonly number[], share: number): number {
  const from = Math.floor(share * times.length)
  const isInside = (time: number) => starts.every((start) => time <= start - SLACK_S || time >= start + BEHIND_START_S)
  return times.findIndex((time, at) => at >= from && isInside(time))
}

const made = new Map<number, Promise<Served>>()
/** Each is made once. */
function servedOnce(at: number): Promise<Served> {
  const being = made.get(at) ?? served(STREAM_CASES[at]!, at)
  made.set(at, being)
  return being
}

for (const [at, film] of STREAM_CASES.entries()) {
  describe(film.name, () => {
    let { folder, times, server, urlOf } = {} as Served
    before(async () => {
      ;({ folder, times, server, urlOf } = await servedOnce(at))
      // The next one is made while this one is played; where it fails, its own tests say so.
      if (at + 1 < STREAM_CASES.length) servedOnce(at + 1).catch(() => {})
    })

    it(`${film.name}: parsers and ffmpeg read every picture at its time`, async () => {
      const { ffprobe } = await ensureFfmpeg()
      const { playlists, mediaGroups } = await playlist(join(folder, 'master.m3u8'))
      const sounds = Object.values(mediaGroups.AUDIO).flatMap((group) => Object.keys(group as object))
      assert.deepEqual([playlists.length, sounds.length], [film.ladder?.length ?? 2, film.sounds])
      const dash = film.encryption === 'aes-128' ? null : await manifest(join(folder, 'manifest.mpd'))
      for (const { uri, attributes } of playlists) {
        const [codec] = attributes.CODECS.split(',')
        const track = uri.replace('.m3u8', '')
        areNear(await picturesOf(ffprobe, join(folder, uri)), times, `ffmpeg, ${uri}`)
        if (dash === null) continue
        const boxes = await boxesOf(folder, track)
        areNear(boxes.times, times, `mp4box, ${track}`)
        assert.equal(boxes.codec.toLowerCase(), film.encryption ? 'encv' : codec.toLowerCase())
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
        if (film.encryption === 'cbcs') await call(page, 'useKeys', { [KEY_ID]: KEY })
        try {
          const { first, duration } = await call<{ first: number; duration: number }>(page, 'load', player, urlOf(file))
          assert.ok(Math.abs(first) <= SLACK_S, `the first picture: ${first}`)
          for (const { type, ranges } of await call<Buffered[]>(page, 'buffered'))
            assert.ok(
              ranges.every(([start], at) => at > 0 || start <= SLACK_S),
              `${type} begins late`,
            )
          const starts = await segmentStarts(folder)
          for (const share of times.length > 1 ? [0.6, 0.25] : []) {
            const picture = pictureInside(starts, times, share)
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
        await call(own, 'load', player, urlOf(file))
        assert.deepEqual(await call(own, 'cues', LATE_CUE.startTime), [LATE_CUE])
        await own.close()
      })
  })
}
