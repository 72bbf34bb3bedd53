/** What the tests of players share: a film, a browser, and a web server that answers pages. */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type FileServer, type Player, serveFolder, startBrowser } from '../../testing/players/players.ts'
import { makeTestFilm, type TestFilm } from '../../testing/sources/test-film.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'

/** Chromium keeps times in microseconds. */
export const SLACK_S = 0.001

/** Each player with the manifests that it reads. */
export const MANIFESTS: readonly (readonly [Player, 'hls/master.m3u8' | 'dash/manifest.mpd'])[] = [
  ['hls.js', 'hls/master.m3u8'],
  ['dash.js', 'dash/manifest.mpd'],
  ['shaka', 'hls/master.m3u8'],
  ['shaka', 'dash/manifest.mpd'],
  ['browser', 'hls/master.m3u8'],
]

/** A folder with a film in it, and a browser. */
export interface PlayerLab {
  readonly dir: string
  /** The film, which has every picture at a time of its own. */
  readonly film: string
  /** Pages of another origin than the nodes. */
  readonly pages: FileServer
  readonly browser: Browser
}

/** Makes it. Ended with the test. */
export async function openPlayerLab(t: Ends, of: Omit<TestFilm, 'out'>): Promise<PlayerLab> {
  const dir = await folder(t)
  const film = join(dir, 'film.mp4')
  await makeTestFilm({ ...of, out: film })
  const pages = await serveFolder(dir)
  atEnd(t, () => pages.close())
  const browser = await startBrowser()
  atEnd(t, () => browser.close())
  return { dir, film, pages, browser }
}
