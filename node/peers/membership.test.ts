/** Who counts as a member: by the ledger, while it answers and while it does not, and with strangers about. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LedgerUnavailable, PeerUnreachable } from '../../protocol/errors.ts'
import { encodeHeartbeat, encodeSuspicion, type Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { MEMBER_RENEW_MS } from '../../protocol/limits.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { Mesh, MeshEvents, MeshStream } from '../../protocol/mesh.ts'
import { meshSize } from '../../protocol/peer-table.ts'
import { createLife } from '../../testing/simulation/life.ts'
import { createScheduler } from '../../testing/simulation/virtual-time.ts'
import { membersOnly } from './member-mesh.ts'
import { createMembership } from './membership.ts'
import { createPeerTable } from './peer-table.ts'

const idOf = (name: string): PeerId => asPeerId(`12D3KooW${name.padStart(44, 'm')}`)
const [SELF, ANN, EVE] = ['S', 'A', 'E'].map(idOf) as [PeerId, PeerId, PeerId]
const strangers = Array.from({ length: 2_000 }, (_, at) => idOf(`x${String(at).replaceAll('0', 'o')}`))

const beat: Heartbeat = {
  v: 1,
  epoch: 1,
  seq: 1,
  started_at: 1,
  version: '1',
  roles: ['worker', 'coordinator'],
  host: 'host',
  name: 'peer',
  ffmpeg: '',
  decoders: [],
  filters: [],
  encoders: [],
  renditions: 'all',
  kinds: [],
  slots: 1_000_000,
  busy: 0,
  load: 0,
  state: 'idle',
  addresses: [],
  running: [],
}
const heartbeat = (author: PeerId) => ({ topic: 'heartbeat' as const, author, data: encodeHeartbeat(beat) })

function setUp() {
  const scheduler = createScheduler()
  const life = createLife(scheduler)
  const { clock } = life
  const members = new Set<PeerId>()
  const state = { reads: 0, added: 0, published: 0, isAway: false }
  const ledger = {
    addMember: async (id: PeerId) => {
      if (state.isAway) throw new LedgerUnavailable('away')
      state.added++
      members.add(id)
    },
    members: async () => {
      state.reads++
      if (state.isAway) throw new LedgerUnavailable('away')
      return [...members]
    },
  }
  const connections: PeerId[] = []
  let events: MeshEvents = {}
  let onStream: ((stream: MeshStream) => Promise<void>) | null = null
  const raw = {
    self: SELF,
    peers: () => connections,
    listen: (given: MeshEvents) => {
      events = given
      return () => {}
    },
    publish: async () => void state.published++,
    handle: (_protocol: string, handler: (stream: MeshStream) => Promise<void>) => {
      onStream = handler
    },
  } as unknown as Mesh
  const membership = createMembership({ self: SELF, ledger, clock, log })
  const mesh = membersOnly(raw, membership)
  const table = createPeerTable({ clock, self: SELF, members: membership, connections: () => mesh.connections() })
  const run = (ms: number) => {
    const untilMs = scheduler.now() + ms
    scheduler.after(ms, () => {})
    return scheduler.run({ untilMs, isOver: () => false })
  }
  const ask = (peer: PeerId) => onStream!({ peer } as MeshStream)
  return { life, clock, members, state, connections, membership, mesh, table, run, ask, raised: () => events }
}

describe('the membership', () => {
  it('enters this peer in the ledger before it connects, renews that, and leaves no timer', async () => {
    const { members, state, membership, run, life } = setUp()
    await membership.start()
    assert.deepEqual([[...members], membership.has(SELF), state.added], [[SELF], true, 1])
    await run(3.5 * MEMBER_RENEW_MS)
    assert.equal(state.added, 4)
    membership.look()
    membership.stop()
    assert.equal(life.timers(), 0)
  })

  it('enters itself again where a new or restored database does not have it', async () => {
    const { members, membership, run } = setUp()
    await membership.start()
    members.clear()
    membership.look()
    await run(2_000)
    assert.deepEqual([...members], [SELF])
  })

  it('goes on with the members that it knew while the ledger is unavailable', async () => {
    const { members, state, membership, run } = setUp()
    members.add(ANN)
    await membership.start()
    state.isAway = true
    for (let n = 0; n < 5; n++) {
      membership.look()
      await run(MEMBER_RENEW_MS)
    }
    assert.deepEqual([membership.has(ANN), membership.has(EVE)], [true, false])
    state.isAway = false
    members.delete(ANN)
    await run(2 * MEMBER_RENEW_MS)
    assert.equal(membership.has(ANN), false)
  })

  it('publishes nothing while nobody is connected who would get it', async () => {
    const { mesh, connections, state } = setUp()
    await mesh.publish('work', new Uint8Array())
    assert.equal(state.published, 0)
    connections.push(ANN)
    await mesh.publish('work', new Uint8Array())
    assert.equal(state.published, 1)
  })
})

describe('strangers with the mesh key', () => {
  it('are no peers and count for nothing, at one short read of the ledger a second', async () => {
    const { state, membership, table, clock, run } = setUp()
    await membership.start()
    const { reads } = state
    for (const author of strangers) {
      assert.equal(table.accept(heartbeat(author)).verdict, 'ignore')
      await run(5)
    }
    assert.deepEqual([table.all(), meshSize(table, clock.mono())], [[], 1])
    assert.ok(state.reads - reads <= 11, `${state.reads - reads} reads in 10 s`)
  })

  it('do not crowd out a new member that is connected: it counts as soon as the list was read', async () => {
    const { members, connections, membership, table, run } = setUp()
    await membership.start()
    members.add(ANN)
    connections.push(ANN)
    for (const author of [ANN, ...strangers]) table.accept(heartbeat(author))
    await run(1_500)
    assert.deepEqual(
      table.all().map(({ peer }) => peer),
      [ANN],
    )
  })

  it('are not missed when they go, and their suspicions and hints are not heard', async () => {
    const { members, connections, membership, mesh, raised } = setUp()
    members.add(ANN)
    await membership.start()
    const seen: string[] = []
    mesh.listen({
      onDisconnected: (peer) => seen.push(`lost ${peer}`),
      onGossip: ({ topic, author }) => seen.push(`${topic} of ${author}`),
    })
    const data = encodeSuspicion({ v: 1, peer: ANN, epoch: 1, why: 'closed' })
    for (const peer of [EVE, ANN]) {
      connections.push(peer)
      raised().onConnected?.(peer)
      for (const topic of ['suspect', 'work'] as const) raised().onGossip?.({ topic, author: peer, data })
      raised().onDisconnected?.(peer, 'closed')
    }
    assert.deepEqual(seen, [`suspect of ${ANN}`, `work of ${ANN}`, `lost ${ANN}`])
    assert.deepEqual([mesh.peers(), mesh.connections()], [[ANN], [EVE, ANN]])
  })

  it('get no blobs, and a peer that has just become a member gets them at once', async () => {
    const { members, membership, mesh, run, ask } = setUp()
    await membership.start()
    const served: PeerId[] = []
    mesh.handle('blob', async ({ peer }) => void served.push(peer))
    const refused = assert.rejects(ask(EVE), PeerUnreachable)
    await run(6_000)
    await refused
    members.add(ANN)
    const answered = ask(ANN)
    await run(1_100)
    await answered
    assert.deepEqual(served, [ANN])
  })
})
