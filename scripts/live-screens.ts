/**
 * Makes the screens of the live page in docs/: a mesh of four nodes encodes two films, and one of the workers has just been killed. Brings what is
 * missing (ffmpeg, Chromium).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Browser } from 'playwright-core'
import type { StatusSnapshot } from '../protocol/status.ts'
import { startBrowser } from '../testing/players/players.ts'
import { makeClip } from '../testing/sources/clip.ts'
import { ensureFfmpeg } from '../testing/tools/ffmpeg.ts'
import { programFile } from '../testing/tools/program.ts'

const DOCS = join(import.meta.dirname, '../docs')
const BYTES_MAX = 300_000
/** Each screen: its file, and how the page is looked at. */
const SCREENS = {
  'live.png': { viewport: { width: 1280, height: 860 }, colorScheme: 'light' },
  'live-dark.png': { viewport: { width: 1280, height: 860 }, colorScheme: 'dark' },
  'live-phone.png': { viewport: { width: 360, height: 1250 }, colorScheme: 'dark' },
} as const
const FORM = ['--renditions', '360p,240p,144p', '--preset', 'veryfast', '--package', 'hls']
const SECONDS = 96
const WORKERS = ['amber', 'basil', 'cedar']
/** What share of the film is done when the worker is killed, and how much later the screens are taken, ms. */
const [KILLED_AT, TAKEN_MS] = [0.3, 4_000]

const dir = await mkdtemp(join(tmpdir(), 'reelmesh-screens-'))
const program = await programFile()
const nodes = new Map<string, ChildProcess>()
try {
  const { ffmpeg } = await ensureFfmpeg()
  await makeClip({ out: join(dir, 'river.mp4'), seconds: SECONDS, width: 640, height: 360, ffmpeg })
  await makeClip({ out: join(dir, 'harbour.mp4'), seconds: 8, width: 640, height: 360, ffmpeg })
  const said = await start('north', ['--http', '127.0.0.1:0', '--slots', '1'])
  const [, join_ = ''] = /^ {2}(\/ip4\/\S+)$/m.exec(said) ?? []
  const [, http = ''] = /^ {2}(http:\S+)$/m.exec(said) ?? []
  await Promise.all(WORKERS.map((name) => start(name, ['--join', join_, '--slots', '1'])))
  for (const film of ['harbour.mp4', 'river.mp4'])
    await execa(process.execPath, [program, 'submit', film, ...FORM, '--data-dir', join(dir, 'north')], { cwd: dir })
  const browser = await startBrowser()
  await takeScreens(browser, http)
  await browser.close()
} finally {
  for (const child of nodes.values()) child.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
}

/** Starts a node; answers what it printed once it is up. */
async function start(name: string, flags: readonly string[]): Promise<string> {
  const own = ['--name', name, '--data-dir', join(dir, name), '--ledger', `sqlite:${join(dir, 'ledger.sqlite')}`]
  const child = spawn(process.execPath, [program, 'node', ...own, ...flags], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  nodes.set(name, child)
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const isUp = () => /^ {2}\/ip4\/\S+$/m.test(said) && (!flags.includes('--http') || /^ {2}http:\S+$/m.test(said))
  const ended = once(child, 'exit').then(() => said)
  while (!isUp() && child.exitCode === null) await Promise.race([sleep(100), ended])
  return said
}

/** Whether the film is far enough, and the worker that is killed encodes. */
async function isTime(http: string): Promise<boolean> {
  const { videos, peers } = (await (await fetch(`${http}/v1/status`)).json()) as StatusSnapshot
  const isFar = videos.some(({ name, done }) => name === 'river' && done >= KILLED_AT)
  return isFar && peers.some(({ name, running }) => name === 'cedar' && running.length > 0)
}

async function takeScreens(browser: Browser, http: string): Promise<void> {
  const pages = await Promise.all(
    Object.entries(SCREENS).map(async ([file, look]) => {
      const page = await browser.newPage(look)
      await page.goto(http)
      await page.locator('.video', { hasText: 'river' }).click()
      return { file, page }
    }),
  )
  while (!(await isTime(http))) await sleep(200)
  nodes.get('cedar')?.kill('SIGKILL')
  await sleep(TAKEN_MS)
  for (const { file, page } of pages) {
    const path = join(DOCS, file)
    await page.screenshot({ path })
    const { size } = await stat(path)
    console.log(`${path}: ${size} bytes`)
    if (size > BYTES_MAX) throw new Error(`larger than ${BYTES_MAX} bytes`)
  }
}
