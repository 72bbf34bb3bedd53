/**
 * How soon a film can be watched while it is encoded: from the submit until its master playlist is answered, and until hls.js in a real Chromium shows its first picture. The film of
 * `scale` in three renditions by two workers, against the whole way to its package; and a film of two hours, of which the wait is all that counts.
 */
import { mkdir, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { DEFAULT_ENCODING, DEFAULT_HEIGHTS, ladderOf } from '../protocol/recipe.ts'
import type { Rendition } from '../protocol/rendition.ts'
import { call, openPage, serveFolder, startBrowser } from '../testing/players/players.ts'
import { cachePath } from '../testing/tools/cache.ts'
import { ensureFfmpeg, type Ffmpeg } from '../testing/tools/ffmpeg.ts'
import { givenClips, makeFootage, SHORT_GOP_S } from './footage.ts'
import { openLocalMesh } from './local-mesh.ts'
import { type Row, row } from './table.ts'

const WORKERS = 2
/** The film of `scale`, as people get it who say nothing. */
const FULL = { seconds: 160, preset: DEFAULT_ENCODING.preset, longS: 7_200 } as const
const QUICK = { seconds: 20, preset: 'ultrafast', longS: 600 } as const
/** Length of what the long film repeats, s. */
const PART_S = 60
const UP_S = 180
const DONE_S = 3_600
const LOOK_MS = 50

/** Seconds from the submit. */
interface Waits {
  readonly playable: number
  readonly picture: number
  /** Until the package is there; null where nobody waited. */
  readonly whole: number | null
}

/** The rows of `npm run bench -- playable`. */
export async function benchPlayable({ quick, media }: { quick: boolean; media: readonly string[] }): Promise<Row[]> {
  const { seconds, preset, longS } = quick ? QUICK : FULL
  const tools = await ensureFfmpeg()
  const footage = await makeFootage(givenClips(media), seconds, tools, SHORT_GOP_S)
  const long = await longFilm(longS, tools)
  const film = await waitsOf(footage.path, ladderOf(DEFAULT_HEIGHTS, { ...DEFAULT_ENCODING, preset }), 'whole')
  const one = ladderOf([240], { ...DEFAULT_ENCODING, preset: 'ultrafast' })
  const twoHours = await waitsOf(long, one, 'begin')
  return [
    row(`1080p footage from ${footage.from}, to a package of three renditions at ${preset}, two workers`, seconds, 's'),
    row('until its package is there', film.whole!, 's'),
    row('until it can be played', film.playable, 's', film.playable / film.whole!, 'the whole'),
    row('until hls.js shows its first picture', film.picture, 's', film.picture / film.whole!, 'the whole'),
    row('a long film in 240p, to one rendition at ultrafast', longS, 's'),
    row('until it can be played', twoHours.playable, 's'),
    row('until hls.js shows its first picture', twoHours.picture, 's'),
  ]
}

/** Pictures of 240p and a tone, repeated; kept in the cache. */
async function longFilm(seconds: number, { ffmpeg }: Ffmpeg): Promise<string> {
  const path = cachePath('bench', `long-${seconds}.mp4`)
  if (await stat(path).catch(() => null)) return path
  await mkdir(dirname(path), { recursive: true })
  const [part, draft] = ['part', 'draft'].map((name) => `${path}.${process.pid}.${name}.mp4`) as [string, string]
  await execa(ffmpeg, [
    '-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=s=426x240:r=25:d=${PART_S}`, '-f', 'lavfi', '-i', `sine=r=48000:d=${PART_S}`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-c:a', 'aac', part,
  ]) // biome-ignore format: groups
  const times = String(seconds / PART_S - 1)
  await execa(ffmpeg, ['-nostdin', '-v', 'error', '-y', '-stream_loop', times, '-i', part, '-c', 'copy', draft])
  await rename(draft, path)
  return path
}

async function waitsOf(path: string, renditions: readonly Rendition[], until: 'whole' | 'begin'): Promise<Waits> {
  const mesh = await openLocalMesh('playable')
  const pages = await serveFolder(mesh.dir)
  const browser = await startBrowser()
  try {
    const home = await mesh.start('home', ['--roles', 'coordinator', '--http', '127.0.0.1:0', '--http-cors', pages.url])
    for (let at = 1; at <= WORKERS; at++) await mesh.start(`worker ${at}`, ['--roles', 'worker', '--slots', '1'])
    await mesh.until('a mesh of all', async () => mesh.mesh.peers().length === WORKERS + 1, UP_S)
    const http = /^ {2}(http:\S+)$/m.exec(await readFile(join(home.dataDir, 'log'), 'utf8'))?.[1]
    const page = await openPage(browser, pages)
    const began = performance.now()
    const waited = () => (performance.now() - began) / 1000
    const video = await mesh.submit(home, path, { renditions, package: { formats: ['hls', 'dash'], only: true } })
    const url = `${http}/v1/videos/${video}/hls/master.m3u8`
    const isThere = async () => later((await fetch(url)).ok)
    await mesh.until('its beginning', isThere, DONE_S)
    const playable = waited()
    await call(page, 'load', 'hls.js', url)
    const picture = waited()
    await page.close()
    if (until === 'begin') return { playable, picture, whole: null }
    const isDone = async () => later((await mesh.ledger.video(video))?.status === 'COMPLETED')
    await mesh.until('the package', isDone, DONE_S)
    return { playable, picture, whole: waited() }
  } finally {
    await browser.close()
    await pages.close()
    await mesh.stop()
  }
}

/** What is known now: it is looked at again a little later. */
async function later(isSo: boolean): Promise<boolean> {
  if (!isSo) await sleep(LOOK_MS)
  return isSo
}
