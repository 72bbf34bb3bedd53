/**
 * The live page of a real mesh, in a real Chromium: a video is submitted in it, the worker that encodes is killed, the page shows it die and the
 * chunks move, the finished stream plays, and when its node is killed the page goes on at another one. Whatever a person can do in it is done once.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import type { TaskRow } from '../../protocol/status-task.ts'
import { startBrowser } from '../../testing/players/players.ts'
import { makeTestFilm } from '../../testing/sources/test-film.ts'
import { atEnd, endsOf } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { type MeshNode, oddFfmpeg, startNode, statusOf, until } from '../e2e/nodes.ts'

const SECONDS = 24
const [VIEW, OPERATE] = ['view-0123456789abcdef', 'operate-0123456789abcdef']
const CERTIFICATE = join(import.meta.dirname, '../../testing/tools/loopback.pem')
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe-core finds wrong: the rule, and where. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(AXE, 'utf8'))
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

describe('the live page', () => {
  const ends = endsOf(after)
  let film: string
  let lake: string
  let pond: string
  let browser: Browser
  let page: Page
  let nodes: Readonly<Record<'leads' | 'works' | 'stays' | 'guards', MeshNode>>
  let letGo: () => Promise<void>

  before(async () => {
    const dir = await folder(ends)
    film = join(dir, 'river.mp4')
    lake = join(dir, 'lake.mp4')
    pond = join(dir, 'pond.mp4')
    for (const [out, seconds] of [[film, SECONDS], [lake, 1], [pond, 2]] as const) // biome-ignore format: pairs
      await makeTestFilm({ out, seconds, args: ['-g', '50'] })
    const odd = await oddFfmpeg(dir, {
      waits: `case "$*" in *libx264*)
        if mkdir '${dir}/failed' 2>/dev/null; then echo 'the first line' >&2; echo 'no such encoder today' >&2; exit 1; fi
        until [ -e '${dir}/go' ]; do sleep 0.2; done ;; esac`,
    })
    letGo = () => writeFile(join(dir, 'go'), '')
    const http = ['--http', '127.0.0.1:0', '--http-folders', dir]
    const leads = await startNode(ends, dir, { name: 'leads', flags: [...http, '--slots', '0', ...odd.flags] })
    const near = ['--join', leads.address, ...odd.flags]
    const works = await startNode(ends, dir, { name: 'works', flags: ['--roles', 'worker', '--slots', '1', ...near] })
    const stays = await startNode(ends, dir, { name: 'stays', flags: [...http, '--slots', '1', ...near] })
    const tokens = join(dir, 'http.token')
    await writeFile(tokens, `view ${VIEW}\noperate ${OPERATE}\n`, { mode: 0o600 })
    const secured = ['--http', '0.0.0.0:0', '--http-token', tokens]
    const tls = ['--http-tls-cert', CERTIFICATE, '--http-tls-key', CERTIFICATE]
    const guards = await startNode(ends, dir, {
      name: 'guards',
      flags: ['--roles', 'worker', '--slots', '0', ...secured, ...tls, ...near],
    })
    nodes = { leads, works, stays, guards }
    await odd.set('waits')
    browser = await startBrowser()
    atEnd(ends, () => browser.close())
    page = await browser.newPage()
    page.setDefaultTimeout(60_000)
    await page.goto(leads.http)
  })

  const shows = (selector: string, text: string | RegExp, on = page) =>
    on.locator(selector, { hasText: text }).first().waitFor()
  const press = (name: string | RegExp, on = page) => on.getByRole('button', { name, exact: true }).click()
  const submit = async (path: string) => {
    await page.getByLabel(/path of a file/).fill(path)
    await press('Submit')
  }

  /** Its encodes wait; sound, and a chunk of another film, would not be reclaimed in the grid of this one. */
  const worksEncodesRiver = async () => {
    const { videos, peers } = await statusOf(nodes.leads)
    const [river, works] = [videos.find(({ name }) => name === 'river'), peers.find(({ name }) => name === 'works')]
    const tasks = (await (await fetch(`${nodes.leads.http}/v1/videos/${river?.id}/tasks`)).json()) as TaskRow[]
    return tasks.some(({ kind, claims }) => kind === 'video' && claims.some(({ worker }) => worker === works?.peer))
  }

  it('shows the peers and who leads', async () => {
    for (const name of Object.keys(nodes)) await shows('.peer-row strong', name)
    await shows('.top .sum', '4 peers · leads leads, term 1')
    await shows('.peer-row', /leads.*leads.*this node/)
  })

  it('submits a file by its path, and says why one is refused', async () => {
    await press('Add a video')
    await submit(`${film}.txt`)
    await shows('dialog .notice.bad', /river\.mp4\.txt/)
    await submit(film)
    await shows('.outcome', 'river is submitted')
    await shows('#video h2', 'river')
    await shows('#video .badge', 'encoding')
  })

  it('shows a failed attempt with the last line of ffmpeg, and its whole log', async () => {
    await press(/^with a failed attempt: 1/)
    await shows('.task .end.failed', 'failed')
    await shows('.task pre', 'no such encoder today')
    await press('The whole log of ffmpeg')
    await shows('dialog .log', /the first line\s+no such encoder today/)
    await page.keyboard.press('Escape')
    await until('works encodes a chunk of the film', worksEncodesRiver)
  })

  it('moves, cancels and retries a video, once each, also where the answer to a request is lost', async () => {
    await press('Add a video')
    await submit(pond)
    await shows('#video h2', 'pond')
    const keys: (string | undefined)[] = []
    await page.route(/\/priority$/, async (route) => {
      keys.push(route.request().headers()['idempotency-key'])
      const response = await route.fetch()
      await (keys.length === 1 ? route.abort('connectionreset') : route.fulfill({ response }))
    })
    await press('Sooner')
    await shows('.outcome', 'pond has priority 10 now')
    assert.match(keys[0] ?? '', /^"[0-9a-f]{32}"$/)
    assert.deepEqual(keys, [keys[0], keys[0]])
    await press('Cancel')
    await shows('dialog', /What is encoded stays for a day/)
    await press('Cancel it')
    await shows('.outcome', 'pond is cancelled')
    await shows('#video .badge', 'cancelled')
    await press('Retry')
    await shows('.outcome', 'pond is taken up again')
    await press(/^river/)
  })

  it('shows that a killed worker has failed, and that its chunk goes to another one', async () => {
    assert.ok(await worksEncodesRiver())
    await shows('.peer-row', /works.*chunk \d+ \(\w+\)/)
    await nodes.works.stop()
    await shows('.peer-row', /works.*(?:failed|silent)/)
    await shows('.mesh .silent .name', 'works')
    await shows('.event.heals', /\d tasks? of works (?:was|were) reclaimed/)
    await letGo()
    await shows('.legend .again', /again: [1-9]/)
    await press(/^reclaimed from a failed worker: [1-9]/)
    await shows('.task .end.reclaimed', 'reclaimed')
  })

  it('shows the attempts of a chunk that the keys choose', async () => {
    await page.locator('.grid-scroller').focus()
    for (const key of ['End', 'Home']) await page.keyboard.press(key)
    await shows('.task', /chunk 0 \(\w+\)/)
  })

  for (const [name, look] of Object.entries({
    light: { colorScheme: 'light', width: 1280 },
    dark: { colorScheme: 'dark', width: 1280 },
    phone: { colorScheme: 'light', width: 360 },
  } as const))
    it(`has nothing that axe-core refuses: ${name}`, async () => {
      await page.emulateMedia({ colorScheme: look.colorScheme })
      await page.setViewportSize({ width: look.width, height: 800 })
      assert.deepEqual(await violations(page), [])
      const wide = await page.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(wide <= look.width, `the page is ${wide} wide`)
      await page.getByRole('button', { name: 'Drain stays' }).click()
      await shows('dialog', /the mesh then has 1 encode slot less/)
      assert.deepEqual(await violations(page), [])
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
    })

  it('has a documentation of the API that fits a phone, with a request opened to be tried', async () => {
    const docs = await browser.newPage({ viewport: { width: 360, height: 740 } })
    await docs.goto(`${nodes.leads.http}/docs`)
    await docs.locator('.opblock-post .opblock-summary').first().click()
    await press('Try it out', docs)
    await docs.locator('.responses-table').waitFor()
    assert.equal(await docs.evaluate<number>('document.documentElement.scrollWidth'), 360)
    await docs.close()
  })

  it('uploads a file that is dropped on it, and submits it', async () => {
    const bytes = (await readFile(lake)).toString('base64')
    const dropped = await page.evaluateHandle(`(() => {
      const files = new DataTransfer()
      files.items.add(new File([Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0))], 'lake.mp4'))
      return files
    })()`)
    await page.dispatchEvent('main', 'drop', { dataTransfer: dropped })
    await shows('dialog', '1 file to upload: lake.mp4')
    await page.getByRole('button', { name: 'Upload and submit' }).click()
    await shows('.outcome', 'lake is submitted')
    await shows('#video h2', 'lake')
    await shows('#video .badge', 'done')
  })

  it('pauses and resumes a peer', async () => {
    await press('Pause guards')
    await shows('dialog', 'It releases nothing')
    await press('Pause it')
    await shows('.outcome', 'guards is paused')
    await press('Resume guards')
    await shows('.outcome', 'guards claims tasks again')
  })

  it('asks for the token of a node beyond loopback, says what one to view with may not, and drains the node with one to operate', async () => {
    const other = await browser.newPage({ ignoreHTTPSErrors: true })
    other.setDefaultTimeout(60_000)
    await other.goto(nodes.guards.http)
    const give = async (label: string, token: string) => {
      await other.getByLabel(label).fill(token)
      await press('Use it', other)
    }
    await shows('.connection', 'token needed', other)
    await give('This node asks for a token', `${VIEW}-not`)
    await shows('.connection', 'token needed', other)
    await give('This node asks for a token', VIEW)
    await shows('.connection', 'live', other)
    await press('Add a video', other)
    await other.locator('input[type=file]').setInputFiles(lake)
    await press('Upload and submit', other)
    await shows('.outcome.bad', 'lake.mp4 could not be uploaded: this token is one to view with', other)
    await other.getByLabel('A token to operate with').waitFor()
    await press('Drain guards', other)
    await press('Drain it', other)
    await shows('.outcome.bad', 'this token is one to view with', other)
    await give('A token to operate with', OPERATE)
    await press('Drain guards', other)
    await shows('dialog', /the mesh then has 0 encode slots less.*It is the node that serves this page/, other)
    await press('Drain it', other)
    await shows('.outcome', 'guards drains', other)
    await until('it has exited', async () => !nodes.guards.isAlive())
    await other.close()
    await shows('.peer-row', /guards.*has left/)
  })

  it('plays the finished stream', async () => {
    await press(/^river/)
    await shows('#video h2', 'river')
    await shows('#video .badge', 'done')
    await page.getByRole('link', { name: 'Watch' }).click()
    const time = () => page.evaluate<number>("document.querySelector('video')?.currentTime ?? 0")
    await until('it plays', async () => (await time()) > 0.5)
    const colours = await page.evaluate<number>(`(() => {
      const context = Object.assign(document.createElement('canvas'), { width: 32, height: 18 }).getContext('2d')
      context.drawImage(document.querySelector('video'), 0, 0, 32, 18)
      return new Set(new Uint32Array(context.getImageData(0, 0, 32, 18).data.buffer)).size
    })()`)
    assert.ok(colours > 50, `a picture of ${colours} colours`)
    await page.goBack()
  })

  it('says that its node is lost, and goes on at another one', async () => {
    await shows('.connection', 'live')
    await nodes.leads.stop()
    await shows('.notice', /has not answered since/)
    await page.waitForURL((url) => url.origin === nodes.stays.http, { timeout: 90_000 })
    await shows('.connection', 'live')
    await shows('#video h2', 'river')
  })
})
