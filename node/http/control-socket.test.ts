import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectControl } from './control-socket.ts'

test('every question has a connection of its own, so that none meets one that the node is about to close', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-control-'))
  const path = join(dir, 'control.sock')
  let connections = 0
  const server = createServer((_, response) => response.end('{}')).on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await rm(dir, { recursive: true })
  })
  const client = await connectControl(path)
  assert.ok(client)
  await client.v1.status.$get()
  await client.v1.status.$get()
  assert.equal(connections, 3)
})
