/** Heartbeats over the in-memory mesh: who is believed, who is not, and when one is sent. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { watch } from '../../protocol/conformance/mesh.ts'
import { encodeHeartbeat, encodeSuspicion, type Heartbeat, heartbeatIntervalMs } from '../../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { PEERS_REMEMBERED } from '../../protocol/limits.ts'
import { type Log, silentLog } from '../../protocol/log.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import { ANY_PEER } from '../../testing/any-peer.ts'
import { createMemoryHub } from '../../testing/memory-mesh/memory-mesh.ts'
import { systemClock as clock, systemRng as rng } from '../host/system-clock.ts'
import { type BootEpoch, nextBootEpoch } from './boot-epoch.ts'
import { createHeartbeat, createPeerTable, type HeartbeatBody } from './heartbeat.ts'

const body: HeartbeatBody = {
  version: '0.1.0',
  roles: ['worker'],
  host: 'host',
  name: 'a peer',
  ffmpeg: '8.1',
  decoders: ['h264'],
  filters: [],
  encoders: ['x264'],
  renditions: ['480p'],
  kinds: ['audio'],
  slots: 2,
  busy: 0,
  load: 0.5,
  state: 'idle',
  running: [],
}
const beat = (epoch: number, seq: number): Heartbeat => ({ ...body, v: 1, epoch, seq, started_at: 1, addresses: [] })
const id = (letter: string): PeerId => asPeerId(`12D3KooW${letter.repeat(44)}`)
const gossip = (author: PeerId, data: Uint8Array) => ({ topic: 'heartbeat' as const, author, data })

describe('the peer table', () => {
  const table = () => createPeerTable({ clock, self: id('S'), members: ANY_PEER, connections: () => [] })

  it('believes only what is newer than the last: epoch first, then number', () => {
    const peers = table()
    const say = (epoch: number, seq: number) => peers.accept(gossip(id('A'), encodeHeartbeat(beat(epoch, seq)))).verdict
    assert.deepEqual(
      [say(3, 5), say(3, 5), say(3, 4), say(2, 99), say(3, 6), say(4, 0)],
      ['accept', 'ignore', 'ignore', 'ignore', 'accept', 'accept'],
    )
    assert.equal(peers.get(id('A'))?.beat.epoch, 4)
  })

  it('drops its own and rejects what is none', () => {
    const peers = table()
    assert.equal(peers.accept(gossip(id('S'), encodeHeartbeat(beat(1, 1)))).verdict, 'ignore')
    assert.equal(peers.accept(gossip(id('A'), new TextEncoder().encode('{"v":1}'))).verdict, 'reject')
    assert.deepEqual(peers.all(), [])
  })

  it('forgets who has been silent longest when it is full', () => {
    const peers = table()
    const name = (at: number) => asPeerId(`12D3KooW${String(at).replaceAll('0', 'o').padStart(44, 'm')}`)
    for (let at = 0; at <= PEERS_REMEMBERED; at++) peers.accept(gossip(name(at), encodeHeartbeat(beat(1, 1))))
    assert.equal(peers.all().length, PEERS_REMEMBERED)
    assert.equal(peers.get(name(0)), undefined)
  })
})

describe('the heartbeat', () => {
  const meshes: Mesh[] = []
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of [...stops.splice(0), ...meshes.splice(0).map((mesh) => () => mesh.stop())]) await stop()
  })

  const start = async (count: number, knows: (at: number) => PeerId[]) => {
    const hub = createMemoryHub({ clock, rng })
    const peers = []
    for (let at = 0; at < count; at++) {
      const mesh = hub.join(id('ABCDE'[at] ?? ''), { knows: knows(at) })
      let epoch = 7
      const bootEpoch: BootEpoch = { current: () => epoch, raise: async (seen) => (epoch = Math.max(epoch, seen + 1)) }
      const table = createPeerTable({ clock, self: mesh.self, members: ANY_PEER, connections: () => [] })
      const heartbeat = createHeartbeat({ mesh, clock, rng, log: silentLog, table, snapshot: () => body, bootEpoch })
      meshes.push(mesh)
      stops.push(() => heartbeat.stop())
      await mesh.start()
      heartbeat.start()
      heartbeat.start()
      peers.push({ mesh, table, heartbeat, seen: watch(mesh, clock) })
    }
    return peers
  }

  it('makes peers that know one soon know and hear all', async () => {
    const peers = await start(5, (at) => (at === 0 ? [] : [id('A')]))
    const isDone = () => peers.every(({ mesh, table }) => mesh.peers().length === 4 && table.all().length === 4)
    await peers[0]?.seen.until('all know all', isDone, 4_000)
    assert.deepEqual(peers[1]?.table.get(id('C'))?.beat.addresses, [`/memory/${id('C')}`])
  })

  it('comes at once after peers connect, and when asked', async () => {
    const [a, b] = await start(2, (at) => (at === 0 ? [] : [id('A')]))
    await a?.seen.connected(id('B'))
    await a?.seen.until('greeted', () => a.table.get(id('B')) !== undefined, 400)
    const { seq = 0 } = a?.table.get(id('B'))?.beat ?? {}
    await b?.heartbeat.beatNow()
    await a?.seen.until('asked for', () => (a.table.get(id('B'))?.beat.seq ?? 0) > seq, 400)
    await b?.heartbeat.stop()
  })

  it('of a process whose counter was lost is raised above the one that others know, once they suspect the earlier process', async () => {
    const [a, b] = await start(2, (at) => (at === 0 ? [] : [id('A')]))
    await a?.seen.connected(id('B'))
    a?.table.accept(gossip(id('B'), encodeHeartbeat(beat(40, 1))))
    const suspect = (epoch: number) =>
      a?.mesh.publish('suspect', encodeSuspicion({ v: 1, peer: id('B'), epoch, why: 'heartbeat' }))
    await suspect(Number.MAX_SAFE_INTEGER - 1)
    await suspect(40)
    await a?.seen.until('believed again', () => a.table.get(id('B'))?.beat.epoch === 41, 1_000)
    assert.equal(b?.heartbeat.own().epoch, 41)
  })

  it('that cannot be sent is logged, and the next one is tried', async () => {
    const logged: (string | unknown)[] = []
    const bothLogged = Promise.withResolvers<void>()
    const log: Log = {
      ...silentLog,
      warn: (message, fields) => {
        if (logged.push([message, fields?.['error']]) === 2) bothLogged.resolve()
      },
    }
    const mesh = createMemoryHub({ clock, rng }).join(id('A'), { knows: [] })
    const mute: Mesh = {
      ...mesh,
      self: mesh.self,
      listen: () => () => {},
      addresses: () => [],
      publish: () => Promise.reject(new Error('too large')),
    }
    const table = createPeerTable({ clock, self: mesh.self, members: ANY_PEER, connections: () => [] })
    const bootEpoch: BootEpoch = { current: () => 1, raise: async () => 1 }
    const heartbeat = createHeartbeat({ mesh: mute, clock, rng, log, table, snapshot: () => body, bootEpoch })
    stops.push(() => heartbeat.stop())
    heartbeat.start()
    await bothLogged.promise
    assert.deepEqual(logged, Array(2).fill(['a heartbeat could not be sent', 'too large']))
  })

  it('slows down as the mesh grows', () => {
    assert.deepEqual([1, 8, 16, 32].map(heartbeatIntervalMs), [1_000, 1_000, 2_000, 4_000])
  })
})

describe('the boot epoch', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reelmesh-epoch-'))
  })
  after(() => rm(dir, { recursive: true }))

  it('rises with every start and is on the disk before it is sent', async () => {
    assert.equal((await nextBootEpoch(dir)).current(), 1)
    assert.equal((await nextBootEpoch(dir)).current(), 2)
    assert.equal((await readFile(join(dir, 'epoch'), 'utf8')).trim(), '2')
  })

  it('goes above what others have seen, and never back', async () => {
    const epoch = await nextBootEpoch(dir)
    assert.equal(await epoch.raise(10), 11)
    assert.equal(await epoch.raise(4), 11)
    assert.equal((await nextBootEpoch(dir)).current(), 12)
  })

  it('rises once its file can be written again', async () => {
    const epoch = await nextBootEpoch(dir)
    const was = epoch.current()
    const temporary = join(dir, `epoch.${process.pid}`)
    await mkdir(temporary)
    await assert.rejects(epoch.raise(50))
    assert.equal(epoch.current(), was)
    await rm(temporary, { recursive: true })
    assert.equal(await epoch.raise(50), 51)
  })

  it('starts at 1 from an invalid file', async () => {
    await writeFile(join(dir, 'epoch'), 'garbage')
    assert.equal((await nextBootEpoch(dir)).current(), 1)
  })
})
