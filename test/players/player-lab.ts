/** What the tests of players share: a film, a browser, and a web server that answers pages. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Browser } from 'playwright-core'
import { type FileServer, type Player, serveFolder, startBrowser } from '../../testing/players/players.ts'
import { atEnd, type Ends } from '../../testing/tools/at-end.ts'
import { ensureFfmpeg } from '../../testing/tools/ffmpeg.ts'
import { folder } from '../../testing/tools/folder.ts'

/** Chromium keeps times in microseconds. */
export const SLACK_S = 0.001
/** Pictures per second of the film. */
export const FPS = 25

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

/** Makes it. `args`: of ffmpeg, how the film is encoded; `words`: its subtitles, as SRT. Ended with the test. */
export async function openPlayerLab(
  t: Ends,
  { seconds, args = [], words }: { seconds: number; args?: readonly string[]; words?: string },
): Promise<PlayerLab> {
  const dir = await folder(t)
  const film = join(dir, 'film.mp4')
  const srt = join(dir, 'words.srt')
  if (words !== undefined) await writeFile(srt, words)
  const texts = words === undefined ? [] : ['-i', srt, '-c:s', 'mov_text']
  const { ffmpeg } = await ensureFfmpeg()
  await execa(ffmpeg, [
    ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=320x180:r=${FPS}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `sine=duration=${seconds}:r=48000`, ...texts],
    ...['-preset', 'ultrafast', ...args, '-c:a', 'aac', film],
  ])
  const pages = await serveFolder(dir)
  atEnd(t, () => pages.close())
  const browser = await startBrowser()
  atEnd(t, () => browser.close())
  return { dir, film, pages, browser }
}
