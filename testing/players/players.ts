/** A real Chromium with the players that sites use, and a plain web server that answers ranges: what a package has to play on. */
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { serve } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { type Browser, chromium, type Page } from 'playwright-core'
import { packageMediaType } from '../../protocol/package.ts'
import { ensureChromium } from '../tools/chromium.ts'

/** The players: each plays HLS, DASH or both. `browser` is Chromium's own HLS. */
export const PLAYERS = ['hls.js', 'dash.js', 'shaka', 'browser'] as const
/** One of `PLAYERS`. */
export type Player = (typeof PLAYERS)[number]

const MODULES = join(import.meta.dirname, '../../node_modules')
const SCRIPTS = [
  'hls.js/dist/hls.min.js',
  'dashjs/dist/modern/umd/dash.all.min.js',
  'shaka-player/dist/shaka-player.compiled.js',
]
/** A web server for a folder. */
export interface FileServer {
  readonly url: string
  close(): Promise<void>
}

/** Serves a folder on a free port of loopback. `answersRanges`: false for a server that sends every file whole. */
export async function serveFolder(folder: string, { answersRanges = true } = {}): Promise<FileServer> {
  const app = new Hono()
  app.get('/page', (context) =>
    context.html('<!doctype html><video muted playsinline width="320" height="180"></video>'),
  )
  if (!answersRanges)
    app.get('*', async (context) => {
      const { path } = context.req
      const bytes = await readFile(join(folder, path)).catch(() => null)
      if (bytes === null) return context.notFound()
      return context.body(new Uint8Array(bytes), 200, { 'Content-Type': packageMediaType(path) })
    })
  app.use(
    '*',
    serveStatic({
      root: relative(process.cwd(), folder),
      onFound: (path, context) => {
        context.header('Content-Type', packageMediaType(path))
      },
    }),
  )
  const { server, port } = await new Promise<{ server: ReturnType<typeof serve>; port: number }>((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, (info) =>
      resolve({ server, port: info.port }),
    )
  })
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Starts a Chromium that plays without a gesture. */
export const startBrowser = async (): Promise<Browser> =>
  await chromium.launch({
    executablePath: await ensureChromium(),
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-dev-shm-usage'],
  })

/** A page with the players loaded, of the origin of `server`. Errors of the page end its test. */
export async function openPage(browser: Browser, { url }: Pick<FileServer, 'url'>): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`${url}/page`)
  for (const script of SCRIPTS) await page.addScriptTag({ content: await readFile(join(MODULES, script), 'utf8') })
  await page.addScriptTag({ path: `${import.meta.dirname}/in-page.js` })
  return page
}

/** What `buffered` of `in-page.js` answers of each kind: how far it was moved, and from when to when it is there, seconds. */
export interface Buffered {
  readonly type: string
  readonly offset: number
  readonly ranges: readonly (readonly [number, number])[]
}

/** Calls a function of `in-page.js` by its name. */
export const call = async <Answer>(page: Page, name: string, ...args: readonly unknown[]): Promise<Answer> =>
  (await page.evaluate(
    ({ name, args }) => (globalThis as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args),
    { name, args: [...args] },
  )) as Answer
