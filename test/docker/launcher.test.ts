/** The Docker launcher against a real engine, with Node's own image as the stand-in for a worker. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDockerLauncher } from '../../fleet/launcher/docker-launcher.ts'
import { systemClock } from '../../node/host/system-clock.ts'
import { launcherConformance } from '../../protocol/conformance/launcher.ts'
import type { Launcher } from '../../protocol/launcher.ts'
import { folder } from '../../testing/tools/folder.ts'
import { docker, SOCKET } from './engine.ts'

const WORKER = `
  if (process.env.DO === 'exit') {
    require('node:fs').writeSync(2, 'a line before it\\nreelmesh: it cannot go on\\n')
    process.exit(Number(process.env.CODE))
  }
  process.on('SIGTERM', () => process.exit(0))
  setInterval(() => {}, 1000)
`

const run = `test-${randomUUID().slice(0, 8)}`
const settingsOf = (mesh: string, socket = SOCKET, networks: readonly string[] = []) => ({
  clock: systemClock,
  mesh: `${run}/${mesh}`,
  socket,
  image: 'node:26-bookworm-slim',
  command: ['node', '-e', WORKER],
  networks,
  volumes: [],
})
const launcherOf = (...given: Parameters<typeof settingsOf>) => createDockerLauncher(settingsOf(...given))

async function make() {
  const meshes = new Set<string>()
  return {
    outlive: true,
    async create(mesh: string) {
      meshes.add(mesh)
      return launcherOf(mesh)
    },
    async destroy() {
      for (const mesh of meshes) {
        const ids = await docker('ps', '-aq', '--filter', `label=reelmesh.mesh=${run}/${mesh}`)
        if (ids) await docker('rm', '-fv', ...ids.split('\n'))
      }
    },
  }
}

test('a started container has no capability, gains none, and leaves no volume', async (t) => {
  const mesh = 'confined'
  const launcher = launcherOf(mesh)
  t.after(async () => {
    for (const { id } of await launcher.list()) await launcher.stop(id)
  })
  const limits = { cpus: 0.5, memory_mb: 128 }
  const { id } = await launcher.start({
    name: `${run}-confined`,
    rendition: 'all',
    reason: 'a test',
    environment: {},
    limits,
  })
  const inside = (script: string) => docker('exec', id, 'sh', '-c', script)
  assert.match(await inside('cat /proc/1/status'), /CapEff:\t0+\n[\s\S]*CapBnd:\t0+\n[\s\S]*NoNewPrivs:\t1/)
  assert.equal(await docker('inspect', '-f', '{{json .Mounts}}', id), '[]')
  assert.equal(await docker('inspect', '-f', '{{.HostConfig.PidsLimit}}', id), '1024')
})

test('a started container sees the shared folders of its peer read-only, in a container too, and leaves them as they are', async (t) => {
  const films = await folder(t)
  await writeFile(join(films, 'film.mp4'), 'a film')
  const peer = `${run}-peer`
  const away = await docker(
    'run',
    '-d',
    '--name',
    peer,
    '-v',
    `${films}:/videos`,
    'node:26-bookworm-slim',
    'sleep',
    '600',
  )
  const started = {
    rendition: 'all',
    reason: 'a test',
    environment: {},
    limits: { cpus: 0.5, memory_mb: 128 },
  } as const
  const launchers: Launcher[] = []
  t.after(async () => {
    for (const launcher of launchers) for (const { id } of await launcher.list()) await launcher.stop(id)
    await docker('rm', '-fv', peer)
  })
  for (const [name, path, host] of [
    ['beside', films, hostname()],
    ['inside', '/videos', away.slice(0, 12)],
  ] as const) {
    const shared = [
      { name: 'films', path },
      { name: 'unknown', path: '/a:b' },
    ]
    const launcher = createDockerLauncher({ ...settingsOf('shared'), shared, host })
    launchers.push(launcher)
    const { id } = await launcher.start({ ...started, name: `${run}-${name}` })
    assert.equal(await docker('exec', id, 'cat', `${path}/film.mp4`), 'a film')
    assert.equal(await docker('exec', id, 'sh', '-c', 'echo $REELMESH_SHARED'), `films=${path}`)
    const mounts = JSON.parse(await docker('inspect', '-f', '{{json .Mounts}}', id)) as {
      Source: string
      RW: boolean
    }[]
    assert.deepEqual(
      mounts.map(({ Source, RW }) => [Source, RW]),
      [[films, false]],
    )
    await launcher.stop(id)
    assert.equal(await readFile(join(films, 'film.mp4'), 'utf8'), 'a film')
  }
})

test('a started container joins each of its networks', async (t) => {
  const networks = [`${run}-mesh`, `${run}-database`]
  const launcher = launcherOf('networks', SOCKET, networks)
  t.after(async () => {
    for (const { id } of await launcher.list()) await launcher.stop(id)
    for (const network of networks) await docker('network', 'rm', network)
  })
  for (const network of networks) await docker('network', 'create', '--internal', network)
  const { id } = await launcher.start({
    name: `${run}-networks`,
    rendition: 'all',
    reason: 'a test',
    environment: {},
    limits: { cpus: 0.5, memory_mb: 128 },
  })
  const joined = JSON.parse(await docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', id)) as object
  assert.deepEqual(Object.keys(joined).sort(), networks.toSorted())
})

launcherConformance('the Docker launcher', make, async () => launcherOf('away', '/nowhere/docker.sock'))
