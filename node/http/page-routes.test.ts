/** The page of a film without a socket: its files, and what it asks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { VideoId } from '../../protocol/ids.ts'
import type { Video } from '../../protocol/video.ts'
import { createPageRoutes } from './page-routes.ts'

const ID = '0123456789abcdef'
const routes = createPageRoutes({
  ledger: { video: async (id: VideoId) => (id === ID ? ({ name: 'film', status: 'RUNNING' } as Video) : null) },
  others: { urls: () => ['http://127.0.0.1:8081'] },
})

test('every file that the page names is served, and may load nothing from elsewhere', async () => {
  const page = await routes.request(`/watch/${ID}`)
  const text = await page.text()
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'self'/)
  const named = [...text.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => path!)
  const scripts = await Promise.all(named.map(async (path) => await (await routes.request(path)).text()))
  const imported = scripts.flatMap((script) => [...script.matchAll(/from '\.\/([^']+)'/g)].map(([, name]) => name!))
  assert.deepEqual([...new Set(imported)], ['player.js'])
  for (const path of [...named, '/page/player.js', '/page/nodes.js', '/page/hls.min.mjs']) {
    const { status, headers } = await routes.request(path)
    assert.equal(status, 200, path)
    const known = await routes.request(path, { headers: { 'if-none-match': headers.get('etag')! } })
    assert.equal(known.status, 304, path)
  }
})

test('the live page is one script, one style sheet and one worker: below 150 kB as they are compressed, and nothing from elsewhere', async () => {
  const page = await routes.request('/')
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  const named = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => path!)
  assert.deepEqual(named, ['/page/live.css', '/page/live.js'])
  const files = await Promise.all([...named, '/page/feed.js'].map(async (path) => (await routes.request(path)).text()))
  const bytes = files.reduce((sum, text) => sum + gzipSync(text).length, 0)
  assert.ok(bytes > 10_000 && bytes < 150_000, `${bytes} bytes`)
  for (const text of files) assert.doesNotMatch(text, /\b(?:import|from|url\()\s*["']?https?:/)
})

test('nothing else of the program is served', async () => {
  for (const path of ['/page/', '/page/package.json', '/page/..%2fpackage.json', '/page/constructor'])
    assert.equal((await routes.request(path)).status, 404, path)
})

test('the page is told the film, and the nodes that it may ask instead', async () => {
  const answer = await routes.request(`/watch/${ID}/about.json`)
  assert.deepEqual(await answer.json(), { name: 'film', status: 'RUNNING', nodes: ['http://127.0.0.1:8081'] })
})
