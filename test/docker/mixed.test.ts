/**
 * One mesh of peers on hosts and peers in containers: a container that nobody can dial, one behind a published port that it announces,
 * and a host peer beside them. All encode one film, one container is killed in the middle, and a container leads in the end.
 */
import assert from 'node:assert/strict'
import { chmod } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { machinesOf } from '../../protocol/machine.ts'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms, RECIPE } from '../hosts/film.ts'
import { assertExact, until, type Watch, watchLedger } from '../hosts/watch.ts'
import { IMAGE } from './compose.ts'
import { type HostEngine, startHostEngine } from './host-engine.ts'

const PORT = 4101
const CONTAINERS = ['hidden', 'published'] as const

describe('a mesh of host peers and container peers', () => {
  let lab: Lab
  let films: Films
  let watch: Watch
  let engine: HostEngine
  const hosts: LabNode[] = []
  before(async () => {
    lab = await openLab({ hosts: 2 })
    films = await makeFilms(lab)
    await lab.mongod(0)
    watch = await watchLedger(lab)
    // The peers in the containers are another user.
    await chmod(lab.swarmKey!, 0o644)
    const first = await lab.host(0).node({ slots: 1 })
    hosts.push(first, await lab.host(1).node({ slots: 1, join: first.addresses[0] ?? '' }))
    engine = await startHostEngine(lab.host(1), IMAGE)
  })
  after(async () => {
    await engine?.stop()
    await watch?.close()
    await lab?.close()
  })

  const home = () => hosts[0] as LabNode
  const peerOf = async (name: string) => (await home().status()).peers.find((peer) => peer.name === name)?.peer
  async function start(name: string, flags: readonly string[], options: readonly string[]): Promise<void> {
    const key = ['-v', `${lab.swarmKey}:/keys/mesh.key:ro`]
    const known = ['--ledger', lab.ledger, '--swarm-key', '/keys/mesh.key', '--join', home().addresses[0] ?? '']
    const node = ['node', '--name', name, '--slots', '1', ...known, ...flags]
    await engine.docker('run', '-d', '--name', name, ...key, ...options, IMAGE, ...node)
  }

  test('they meet, dialled or dialling', { timeout: 120_000 }, async () => {
    await start('hidden', [], [])
    const announced = `/ip4/${lab.host(1).link.inner}/tcp/${PORT}`
    await start('published', ['--announce', announced], ['-p', `${PORT}:4001`])
    for (const host of hosts)
      await until('each knows all four', async () => (await host.status()).peers.length === 4, 90)
    for (const name of CONTAINERS)
      await until(`${name} knows all four`, async () => {
        const printed = await engine.docker('exec', name, 'reelmesh', 'status', '--json')
        return (JSON.parse(printed) as { peers: unknown[] }).peers.length === 4
      })
    const { peers } = await home().status()
    assert.equal(new Set(peers.map(({ host }) => host)).size, 4, 'each is known by a name of its own')
    // The hosts of the lab are called so; the kernel of both containers is that of the machine under them.
    assert.equal(machinesOf(peers.map(({ host }) => host)).size, 3, 'containers of one machine are one')
  })

  test('each does some of a film, and the container killed in the middle is only a delay', {
    timeout: 280_000,
  }, async () => {
    const done = await watch.submit(home(), await films.another())
    const hidden = await peerOf('hidden')
    await until(
      'the hidden one encodes',
      async () =>
        (await watch.tasks(done.video)).some(({ claims }) => claims.some((claim) => claim.worker_id === hidden)),
      60,
    )
    await engine.docker('kill', '-s', 'KILL', 'hidden')
    await watch.delivered(done, 200)
    await assertExact(watch, done, films.expected(done.file))
    const by = new Set((await watch.tasks(done.video)).map(({ worker_id }) => worker_id))
    for (const peer of [...hosts.map((host) => host.peer), await peerOf('published')])
      assert.ok(by.has(peer as never), 'all that lived did some')
  })

  test('with the host peers gone the container leads and delivers what it is given', { timeout: 200_000 }, async () => {
    for (const host of hosts) await host.kill('SIGTERM')
    const [file, out] = [await films.another(), '/tmp/out']
    await engine.docker('cp', file, 'published:/tmp/film.mp4')
    const submit = ['reelmesh', 'submit', '/tmp/film.mp4', ...RECIPE]
    await engine.docker('exec', 'published', ...submit, '--wait', '--out', out)
    const sums = await engine.docker('exec', 'published', 'sh', '-c', `cd ${out} && sha256sum */film.mp4`)
    const name = file.split('/').at(-1) ?? ''
    const made = Object.fromEntries(sums.split('\n').map((line) => line.split(/\s+/).reverse()))
    const wanted = Object.entries(films.expected(file)).map(([path, sum]) => [path.replace(name, 'film.mp4'), sum])
    assert.deepEqual(made, Object.fromEntries(wanted))
  })
})
