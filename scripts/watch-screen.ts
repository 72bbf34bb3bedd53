/**
 * Makes docs/watch.png, the screen of the README: a film is watched while three workers encode it, and one of them has just been killed. Prints what
 * `run` says meanwhile. Brings what is missing (ffmpeg, Chromium).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Page } from 'playwright-core'
import { startBrowser } from '../testing/players/players.ts'
import { makeClip } from '../testing/sources/clip.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { programFile } from '../testing/tools/program.ts'

const SCREEN = join(import.meta.dirname, '../docs/watch.png')
const BYTES_MAX = 300_000
const SECONDS = 60
const FORM = ['--renditions', '360p,240p', '--upscale', '--preset', 'medium', '--package', 'hls,dash', '--package-only']
/** When the worker is killed, and how much later the screen is taken: seconds of the film. */
const [KILLED_S, TAKEN_S] = [6, 4]

const dir = await mkdtemp(join(tmpdir(), 'reelmesh-screen-'))
try {
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: join(dir, 'film.mp4'), seconds: SECONDS, width: 640, height: 360, ffmpeg })
  const args = [
    'run',
    'film.mp4',
    ...FORM,
    '--workers',
    '3',
    '--http',
    '127.0.0.1:8080',
    '--data-dir',
    join(dir, 'data'),
  ]
  const run = spawn(process.execPath, [await programFile(), ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(run, 'exit')
  let said = ''
  run.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    process.stdout.write(text)
  })
  const address = () => /watch it at (\S+)/.exec(said)?.[1]
  while (address() === undefined) await Promise.race([sleep(200), ended.then(() => Promise.reject(new Error(said)))])
  const browser = await startBrowser()
  const page = await browser.newPage({ viewport: { width: 800, height: 640 } })
  await page.goto(address()!)
  await plays(page, KILLED_S)
  await execa('pkill', ['-KILL', '-P', String(run.pid), '-f', '--', '--name worker 2'])
  await plays(page, KILLED_S + TAKEN_S)
  // The controls of the player show.
  await page.hover('video')
  // On a busy machine what is painted lags behind.
  await sleep(2_000)
  await page.screenshot({ path: SCREEN })
  await browser.close()
  run.kill('SIGINT')
  await ended
  const { size } = await stat(SCREEN)
  console.log(`${SCREEN}: ${size} bytes`)
  if (size > BYTES_MAX) throw new Error(`larger than ${BYTES_MAX} bytes`)
} finally {
  await rm(dir, { recursive: true, force: true })
}

async function plays(page: Page, seconds: number): Promise<void> {
  while ((await page.evaluate<number>("document.querySelector('video').currentTime")) < seconds) await sleep(100)
}
