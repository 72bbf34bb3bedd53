import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decodeSuspicion,
  encodeHeartbeat,
  encodeSuspicion,
  type Heartbeat,
  type Suspicion,
} from '../../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import type { Mesh, MeshEvents } from '../../protocol/mesh.ts'
import { ANY_PEER } from '../../testing/any-peer.ts'
import { createLife } from '../../testing/simulation/life.ts'
import { createScheduler } from '../../testing/simulation/virtual-time.ts'
import { createPeerTable } from './peer-table.ts'
import { createSuspicions } from './suspicions.ts'

const idOf = (letter: string): PeerId => asPeerId(`12D3KooW${letter.repeat(44)}`)
const [SELF, SUSPECT, B, C, D, E] = ['a', 'b', 'c', 'd', 'e', 'f'].map(idOf) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]

function setUp() {
  const scheduler = createScheduler()
  const life = createLife(scheduler)
  const { clock } = life
  const published: Suspicion[] = []
  let events: MeshEvents = {}
  const mesh = {
    self: SELF,
    peers: () => [],
    listen: (given: MeshEvents) => {
      events = given
      return () => {}
    },
    publish: async (_topic: string, data: Uint8Array) => {
      const decoded = decodeSuspicion(data)
      if (decoded.verdict === 'accept') published.push(decoded.message)
    },
  } as unknown as Mesh
  const table = createPeerTable({ clock, self: SELF, members: ANY_PEER, connections: () => [] })
  const suspicions = createSuspicions({ mesh, clock, table })
  let seq = 0
  suspicions.start()
  return {
    life,
    suspicions,
    published,
    run: (ms: number) => {
      const untilMs = scheduler.now() + ms
      scheduler.after(ms, () => {})
      return scheduler.run({ untilMs, isOver: () => false })
    },
    lost: (why: 'closed' | 'alive') => events.onDisconnected?.(SUSPECT, why),
    back: () => events.onConnected?.(SUSPECT),
    says: (author: PeerId, why: Suspicion['why'], epoch = 1) =>
      events.onGossip?.({ topic: 'suspect', author, data: encodeSuspicion({ v: 1, peer: SUSPECT, epoch, why }) }),
    beat: (epoch = 1) =>
      table.accept({ topic: 'heartbeat', author: SUSPECT, data: encodeHeartbeat({ ...BEAT, epoch, seq: seq++ }) }),
  }
}

const BEAT: Heartbeat = {
  ...{ v: 1, epoch: 1, seq: 0, started_at: 1, version: '0', roles: [], host: 'h', name: '', ffmpeg: '', decoders: [] },
  ...{
    filters: [],
    encoders: [],
    renditions: [],
    kinds: [],
    slots: 1,
    busy: 0,
    load: 0,
    state: 'idle',
    addresses: [],
    running: [],
  },
}

describe('suspicions', () => {
  test('count this node and others, with their age', async () => {
    const { suspicions, run, lost, says, beat } = setUp()
    beat()
    await run(10)
    lost('closed')
    says(B, 'alive')
    await run(400)
    assert.deepEqual(suspicions.reportsOf(SUSPECT), [400, 400])
    assert.equal(suspicions.sawLost(SUSPECT), 'closed')
  })

  test('are refuted by the next heartbeat, and count again after it', async () => {
    const { suspicions, run, lost, says, beat } = setUp()
    beat()
    await run(10)
    lost('alive')
    says(B, 'closed')
    await run(10)
    beat()
    assert.equal(suspicions.reportsOf(SUSPECT).length, 0)
    assert.equal(suspicions.sawLost(SUSPECT), null)
    await run(10)
    says(C, 'closed')
    assert.equal(suspicions.reportsOf(SUSPECT).length, 1)
  })

  test('do not count for a newer process', async () => {
    const { suspicions, run, says, beat } = setUp()
    beat(2)
    await run(10)
    says(B, 'closed', 1)
    says(C, 'closed', 2)
    assert.equal(suspicions.reportsOf(SUSPECT).length, 1)
  })

  test('do not count silence of heartbeats, which may be a stall of the reporting peer', async () => {
    const { suspicions, run, says, beat } = setUp()
    beat()
    await run(10)
    says(B, 'heartbeat')
    says(C, 'heartbeat')
    assert.equal(suspicions.reportsOf(SUSPECT).length, 0)
  })

  test('are published at each loss of one process, not only at its first', async () => {
    const { published, run, lost, back, beat } = setUp()
    for (let loss = 0; loss < 3; loss++) {
      beat()
      await run(10)
      lost('alive')
      await run(10)
      back()
    }
    assert.equal(published.length, 3)
  })

  test('are not published after three reports of others', async () => {
    const { published, run, lost, says, beat } = setUp()
    beat()
    await run(10)
    for (const author of [B, C, D, E]) says(author, 'closed')
    lost('closed')
    assert.equal(published.length, 0)
  })

  test('publish silence of heartbeats once for each silence, so that the peer may refute it', async () => {
    const { published, run, beat } = setUp()
    for (let silence = 0; silence < 2; silence++) {
      beat()
      await run(6_000)
    }
    assert.deepEqual(
      published.map(({ why }) => why),
      ['heartbeat', 'heartbeat'],
    )
  })

  test('are not published by a node that stalled: the others lost it', async () => {
    const { published, suspicions, run, lost, beat, life } = setUp()
    beat()
    life.freeze()
    await run(3_000)
    life.thaw()
    lost('closed')
    await run(4_000)
    assert.deepEqual(published, [])
    assert.equal(suspicions.sawLost(SUSPECT), null)
  })

  test('reach listeners as events: a loss once it is recorded, then reports, heartbeats and a connection that is back', async () => {
    const { suspicions, run, lost, back, says, beat } = setUp()
    beat()
    await run(10)
    const events: string[] = []
    const unsubscribe = suspicions.listen({
      onLost: (peer, why) => events.push(`lost, ${why}, ${suspicions.reportsOf(peer).length} report`),
      onChange: (peer) => events.push(`changed, ${suspicions.reportsOf(peer).length} reports`),
    })
    lost('alive')
    says(B, 'closed')
    await run(10)
    beat()
    back()
    unsubscribe()
    lost('closed')
    assert.deepEqual(events, [
      'lost, alive, 1 report',
      'changed, 2 reports',
      'changed, 0 reports',
      'changed, 0 reports',
    ])
  })
})
