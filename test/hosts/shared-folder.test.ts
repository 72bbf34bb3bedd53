/**
 * One folder that is mounted on two hosts at different paths, as over NFS: the host that watches it and has cut the film loses its power for good.
 * The other one takes over the watch, the source, the cuts and the delivery.
 */

import assert from 'node:assert/strict'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { PeerStatus } from '../../protocol/status.ts'
import { type Lab, type LabNode, openLab } from '../../testing/hosts/lab.ts'
import { type Films, makeFilms, RECIPE, sumsBelow } from './film.ts'
import { seconds, until, type Watch, watchLedger } from './watch.ts'

describe('a folder that two hosts share', () => {
  let lab: Lab
  let films: Films
  let watch: Watch
  let folder: string
  const watching: LabNode[] = []
  let worker: LabNode
  before(async () => {
    lab = await openLab({ hosts: 3 })
    films = await makeFilms(lab)
    await lab.mongod(2)
    watch = await watchLedger(lab)
    folder = join(lab.dir, 'films')
    await mkdir(join(folder, 'in'), { recursive: true })
    let join_ = ''
    for (const at of [0, 1]) {
      const host = lab.host(at)
      const mounted = join(host.dir, `mounted-${at}`)
      host.bind(folder, mounted)
      const flags = { roles: 'coordinator', shared: `films=${mounted}`, input: join(mounted, 'in') }
      const recipe = { input_renditions: RECIPE[1], input_preset: RECIPE[3] }
      const node = await host.node({ ...flags, ...recipe, ...(join_ && { join: join_ }) })
      join_ ||= node.addresses[0] ?? ''
      watching.push(node)
    }
    worker = await lab.host(2).node({ roles: 'worker', slots: 2, join: join_ })
    await until('all know all', async () => (await worker.status()).peers.length === 3)
  })
  after(async () => {
    await watch?.close()
    await lab?.close()
  })

  const sharedOf = ({ name }: LabNode, peers: readonly PeerStatus[]) =>
    peers.find((peer) => peer.name === name)?.shared.map(({ id }) => id)

  test('is one folder to both, and a film put there is held by both', async () => {
    await until('both are seen to see it', async () => {
      const { peers } = await worker.status()
      const [one, two] = watching.map((node) => sharedOf(node, peers))
      return one?.length === 1 && one[0] === two?.[0]
    })
    // To everybody else the paths are bare.
    for (const { host } of watching) assert.deepEqual(await readdir(join(host.dir, `mounted-${host.index}`)), [])
  })

  test('goes on when the host that took the film in is gone for good', async (t) => {
    const file = await films.another()
    const name = parse(file).base
    await rename(file, join(folder, 'in', `.${name}`))
    await rename(join(folder, 'in', `.${name}`), join(folder, 'in', name))
    await until(
      'chunks are encoded',
      async () => (await watch.ledger.tasks({ kinds: ['video'], statuses: ['COMPLETED'] })).length >= 3,
      120,
    )
    const [video] = await watch.ledger.videos()
    assert.ok(video)
    const [delivery] = video.deliveries
    const lost = watching.find(({ peer }) => peer === delivery?.peer)
    const left = watching.find((node) => node !== lost)
    assert.ok(lost && left, 'one of the two took it in')
    await lost.host.powerOff()
    await rm(lost.dataDir, { recursive: true, force: true })
    const began = performance.now()
    await until(
      'it is delivered',
      async () => (await watch.ledger.video(video._id))?.deliveries.every(({ done_at }) => done_at !== null),
      180,
    )
    t.diagnostic(`delivered ${seconds(performance.now() - began)} after the loss`)
    assert.deepEqual(await sumsBelow(join(folder, 'outputs')), films.expected(file), 'the bytes of an undisturbed run')
    assert.equal((await watch.ledger.videos()).length, 1)
    assert.deepEqual(await watch.audit(video._id), [])
  })

  test('is watched on by the other', async () => {
    const file = await films.another()
    const name = parse(file).base
    await rename(file, join(folder, 'in', `.${name}`))
    await rename(join(folder, 'in', `.${name}`), join(folder, 'in', name))
    await until(
      'the next film is delivered',
      async () => {
        const videos = await watch.ledger.videos()
        return (
          videos.length === 2 && videos.every(({ deliveries }) => deliveries.every(({ done_at }) => done_at !== null))
        )
      },
      180,
    )
  })
})
