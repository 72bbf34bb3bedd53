import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Api } from './api.ts'
import { connectControl } from './control-client.ts'
import { controlSocketPath } from './control-path.ts'
import { serveControl } from './control-socket.ts'

test('every question has a connection of its own, so that none meets one that the node is about to close', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-control-'))
  const path = join(dir, 'control.sock')
  let connections = 0
  const asked: (string | undefined)[] = []
  const server = createServer(({ url }, response) => {
    asked.push(url)
    response.end('{"ok":true}')
  }).on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await rm(dir, { recursive: true })
  })
  const client = await connectControl(path)
  assert.ok(client)
  await client.v1.status.$get()
  await client.v1.webhooks.$get({ query: { state: 'failed' } })
  assert.equal(connections, 3)
  assert.deepEqual(asked, ['/healthz', '/v1/status', '/v1/webhooks?state=failed'])
})

const LONG = `/${'long/'.repeat(30)}data`
const api = { fetch: () => new Response('{"ok":true}') } as unknown as Api

test('the socket of a long data folder lies in a folder of this user, which nobody else can enter', async (t) => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = await mkdtemp(join(tmpdir(), 'reelmesh-sockets-'))
  const folder = process.env.TMPDIR
  t.after(async () => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    await rm(folder, { recursive: true })
  })
  const path = controlSocketPath(LONG)
  const served = await serveControl(async () => api, path)
  assert.deepEqual([(await stat(join(path, '..'))).mode & 0o777, (await stat(path)).mode & 0o777], [0o700, 0o600])
  assert.ok(await connectControl(path))
  await served.close()
})

test('nothing is served or asked in a folder that others made or may change', async (t) => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = await mkdtemp(join(tmpdir(), 'reelmesh-sockets-'))
  const folder = process.env.TMPDIR
  const path = controlSocketPath(LONG)
  await mkdir(join(path, '..'))
  await chmod(join(path, '..'), 0o777)
  const planted = createServer((_, response) => response.end('{"ok":true}'))
  await new Promise<void>((resolve) => planted.listen(path, resolve))
  t.after(async () => {
    planted.close()
    planted.closeAllConnections()
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    await rm(folder, { recursive: true })
  })
  await assert.rejects(connectControl(path), { code: 'foreign_socket' })
  await assert.rejects(
    serveControl(async () => api, path),
    { code: 'foreign_socket' },
  )
})

test('what answers as no node does is none', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-control-'))
  const path = join(dir, 'control.sock')
  const server = createServer((_, response) => response.end('{"_id":"x"}'))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await rm(dir, { recursive: true })
  })
  await assert.rejects(connectControl(path), { code: 'foreign_socket' })
})
