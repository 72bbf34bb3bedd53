/** What the Docker launcher asks of an engine for shared folders, of a stand-in that answers as the Engine API does. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../node/host/system-clock.ts'
import { folder } from '../../testing/tools/folder.ts'
import { createDockerLauncher } from './docker-launcher.ts'

const SELF = { Id: '0123456789abcdef', Mounts: [{ Type: 'bind', Source: '/home/ann/videos', Destination: '/videos' }] }
const STARTED = {
  Id: 'started',
  Config: { Labels: { 'reelmesh.mesh': 'mesh', 'reelmesh.name': 'auto-1' } },
  State: { Running: true, StartedAt: '', FinishedAt: '' },
}

test('a container gets the folders of its peer as the engine has them, read-only, and their names', async (t) => {
  const socket = join(await folder(t), 'docker.sock')
  const created: { Env: string[]; HostConfig: { Binds: string[] } }[] = []
  const server = createServer((request, response) => {
    const answer = (status: number, body: object = {}) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? '' : JSON.stringify(body))
    const answers: Record<string, () => unknown> = {
      '/containers/0123456789ab/json': () => answer(200, SELF),
      '/containers/started/json': () => answer(200, STARTED),
      '/containers/started/start': () => answer(204),
      async '/containers/create'() {
        created.push(JSON.parse(Buffer.concat(await request.toArray()).toString()))
        answer(201, { Id: 'started' })
      },
    }
    const act = answers[request.url?.split('?')[0] ?? ''] ?? (() => answer(404, { message: 'no such container' }))
    void act()
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => server.close())
  const spec = {
    name: 'auto-1',
    rendition: 'all',
    reason: 'a test',
    environment: {},
    limits: { cpus: 1, memory_mb: 64 },
  } as const
  const settings = {
    clock: systemClock,
    mesh: 'mesh',
    socket,
    image: 'reelmesh',
    networks: [],
    volumes: ['keys:/keys:ro'],
  }
  const shared = [{ name: 'films', path: '/videos' }]
  for (const host of ['0123456789ab', 'box']) await createDockerLauncher({ ...settings, shared, host }).start(spec)
  await createDockerLauncher(settings).start(spec)
  assert.deepEqual(
    created.map(({ Env, HostConfig }) => [Env, HostConfig.Binds]),
    [
      [['REELMESH_SHARED=films=/videos'], ['keys:/keys:ro', '/home/ann/videos:/videos:ro']],
      [['REELMESH_SHARED=films=/videos'], ['keys:/keys:ro', '/videos:/videos:ro']],
      [[], ['keys:/keys:ro']],
    ],
  )
})
