/**
 * The live page of a large mesh, in a real Chromium: 200 peers and a film of 10,000 chunk encodes, 20 updates a second. No task of its main thread takes
 * longer than 50 ms, and its memory stays. The node is a stand-in that answers fast; times are those of the processor, as other programs run beside.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { createPageRoutes } from '../../node/http/page-routes.ts'
import { startBrowser } from '../../testing/players/players.ts'
import { until } from '../e2e/nodes.ts'

const [PEERS, CHUNKS, ROWS, VIDEOS] = [200, 5_000, ['480p', '720p'], 300]
const UPDATE_MS = 50
/** Times that the page is watched until no task was longer. */
const TRIES = 3
const [TASK_MS_MAX, WATCHED_MS] = [50, 6_000]
/** Each status is one second later than the one before: these are an hour, or five minutes of it. */
const STATUSES = process.env.REELMESH_ALL ? 3_600 : 300
/** An hour of them takes minutes where the machine has other work. */
const LIMIT_MS = 570_000
/** A status is about 0.4 MB: 300 that stay would be ten times this. What is on its way at a look, and lists until they are full, are less. */
const GROWN_BYTES_MAX = 12 * 1024 * 1024
const VIDEO = '0123456789abcdef'
const BEGAN = Date.UTC(2026, 0, 1)

const peerAt = (at: number, beat: number) => {
  const chunk = (beat * 3 + at) % CHUNKS
  const task = `${VIDEO}/${ROWS[at % 2]}/${String(chunk).padStart(5, '0')}`
  const isSilent = at % 40 === 7
  return {
    peer: `peer-${at}`,
    self: at === 0,
    name: `worker ${at}`,
    roles: ['worker'],
    renditions: 'all',
    slots: 2,
    busy: isSilent ? 0 : 1,
    state: 'working',
    state_text: isSilent ? 'silent 9s' : 'working',
    speed: 1 + ((at + beat) % 10) / 10,
    heard_s: isSilent ? 9 : 0,
    ffmpeg: '8.0',
    host: 'box-00000001',
    http: null,
    running: [{ task, attempt: 1, done: ((beat * 7 + at) % 100) / 100, speed: 1.2 }],
    paused: false,
    reason: null,
  }
}
const count = (status: string, count: number) => ({ kind: 'video', resolution: '480p', status, count })
const videoAt = (at: number, beat: number) => ({
  id: at === 0 ? VIDEO : at.toString(16).padStart(16, '0'),
  name: `film ${at}`,
  status: 'RUNNING',
  created_at: BEGAN,
  priority: 0,
  deadline: null,
  forecast: null,
  done: (beat % 1_000) / 1_000,
  seconds: 80_000,
  speed: 30,
  eta_s: 4_000 - beat,
  tasks: [count('PENDING', 1_000), count('PROCESSING', 40), count('COMPLETED', beat)],
  renditions: [],
  outputs: [],
  held: { text: null },
  failure: null,
  waiting: null,
  still: null,
  notes: [],
})
const eventAt = (n: number) => ({
  n,
  at: BEGAN + n * 1_000,
  what: n % 3 ? 'note' : 'reclaimed',
  peer: `peer-${n % PEERS}`,
  video: VIDEO,
  text: `event ${n} of the mesh, which says in some words what has happened`,
})
const statusAt = (beat: number) => ({
  v: 1,
  at: BEGAN + beat * 1_000,
  self: 'peer-0',
  version: '0.1.0',
  leader: { peer: 'peer-0', name: 'worker 0', term: 1 },
  ledger: { text: null },
  peers: Array.from({ length: PEERS }, (_, at) => peerAt(at, beat)),
  problems: [],
  engines: [],
  videos: Array.from({ length: VIDEOS }, (_, at) => videoAt(VIDEOS - 1 - at, beat)),
  unlisted: { working: 0, queued: 0 },
  events: [],
})
const taskAt = (row: number, chunk: number, beat: number) => ({
  id: `${VIDEO}/${ROWS[row]}/${String(chunk).padStart(5, '0')}`,
  kind: 'video',
  resolution: ROWS[row],
  chunk,
  status: chunk < beat ? 'COMPLETED' : chunk < beat + 100 ? 'PROCESSING' : 'PENDING',
  attempt: 1,
  completed_attempt: chunk < beat ? 1 : null,
  claims: [],
  failures: [],
})
const tasksAt = (beat: number) =>
  ROWS.flatMap((_, row) => Array.from({ length: CHUNKS }, (_, chunk) => taskAt(row, chunk, beat)))

describe('the live page of a large mesh', { timeout: LIMIT_MS }, () => {
  let beat = 0
  let browser: Browser
  let page: Page
  let cdp: CDPSession
  const node = new Hono()
  node.route('/', createPageRoutes({ ledger: { video: async () => null }, others: { urls: () => [] } }))
  node.get('/v1/status', (c) => c.json(statusAt(++beat)))
  node.get('/v1/videos/:id', (c) => c.json({ recipe: {} }))
  node.get('/v1/videos/:id/tasks', (c) => c.json(tasksAt(beat)))
  node.get('/v1/events/stream', (c) => {
    let n = 0
    const stream = new ReadableStream<string>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, UPDATE_MS))
        controller.enqueue(`id: ${++n}\ndata: ${JSON.stringify(eventAt(n))}\n\n`)
      },
    })
    return c.body(stream.pipeThrough(new TextEncoderStream()), 200, { 'content-type': 'text/event-stream' })
  })
  const server = createAdaptorServer({ fetch: node.fetch })

  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    browser = await startBrowser()
    page = await browser.newPage({ viewport: { width: 1280, height: 2_000 } })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?round=${UPDATE_MS}#${VIDEO}`)
    cdp = await page.context().newCDPSession(page)
    await page.locator('.legend .again').first().waitFor()
  })
  after(async () => {
    await browser?.close()
    ;(server as import('node:http').Server).closeAllConnections()
    server.close()
  })

  /** Bytes of its heap without what is not used any more: the least of five looks, as answers are on their way. */
  const heap = async (): Promise<number> => {
    const looks: number[] = []
    for (let look = 0; look < 5; look++) {
      await cdp.send('HeapProfiler.collectGarbage')
      looks.push((await cdp.send('Runtime.getHeapUsage')).usedSize)
    }
    return Math.min(...looks)
  }

  it('has elements only for what can be seen', async () => {
    assert.equal(await page.locator('.mesh .peer').count(), PEERS)
    for (const rows of ['.peer-row', 'button.video', '.scroller .event']) {
      await page.locator(rows).first().waitFor()
      assert.ok((await page.locator(rows).count()) < 40, rows)
    }
    assert.ok((await page.evaluate<number>('document.querySelectorAll("*").length')) < 2_500)
  })

  /** Its longest tasks of the main thread while the grid is scrolled, ms, the longest first. */
  const longestTasks = async (): Promise<number[]> => {
    const began = beat
    await browser.startTracing(page, { categories: ['toplevel', '__metadata'] })
    for (let at = 0; at < WATCHED_MS; at += 500) {
      await page.evaluate(`document.querySelector('.grid-scroller').scrollTop = ${at}`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
    const isMain = ({ name, args }: TraceEvent) => name === 'thread_name' && args.name === 'CrRendererMain'
    const mains = traceEvents.filter(isMain).map(({ pid, tid }) => `${pid} ${tid}`)
    const tasks = traceEvents.filter(({ name, pid, tid }) => /RunTask/.test(name) && mains.includes(`${pid} ${tid}`))
    const ms = tasks.map(({ tdur, dur }) => (tdur ?? dur ?? 0) / 1000).sort((a, b) => b - a)
    assert.ok(ms.length > 100, `${ms.length} tasks were seen`)
    assert.ok(beat - began > WATCHED_MS / 1000, `${beat - began} statuses were shown`)
    const longest = ms.slice(0, 5)
    console.log(`${beat - began} statuses in ${WATCHED_MS / 1000} s; longest tasks: ${longest.map(Math.round)} ms`)
    return longest
  }

  it(`takes at most ${TASK_MS_MAX} ms of its main thread at once, also while the grid is scrolled`, async () => {
    // Work that is too long for one task is so each time; a collection of garbage at a bad moment is not.
    const seen: number[][] = []
    while (seen.length < TRIES && !seen.some(([most]) => most! <= TASK_MS_MAX)) seen.push(await longestTasks())
    assert.ok(
      seen.some(([most]) => most! <= TASK_MS_MAX),
      `${seen.map((ms) => ms.join(', ')).join('; ')} ms`,
    )
  })

  it('keeps its memory', { timeout: LIMIT_MS }, async () => {
    await until('it has a hundred statuses', async () => beat > 100)
    const first = await heap()
    const from = beat
    await until('they are shown', async () => beat >= from + STATUSES, 400)
    const grown = (await heap()) - first
    console.log(`heap ${(first / 1e6).toFixed(1)} MB, ${(grown / 1e6).toFixed(2)} MB more after ${STATUSES} statuses`)
    assert.ok(grown < GROWN_BYTES_MAX, `${grown} bytes`)
  })
})

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args: { readonly name?: string }
}
