/** When a peer is a member, and when its connections are closed: `members.ts` with fake connections and a fake clock. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import type { Clock } from '../protocol/clock.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { silentLog } from '../protocol/log.ts'
import { createMembers, type Members } from './members.ts'

const [SELF, LARGER, SMALLER] = ['M', 'Z', 'A'].map((letter) => asPeerId(`12D3KooW${letter.repeat(44)}`)) as [
  PeerId,
  PeerId,
  PeerId,
]

describe('the members of the mesh', () => {
  let now: number
  let timers: { at: number; act: () => void }[]
  let reported: string[]
  let gossips: Set<PeerId>
  let members: Members

  beforeEach(() => {
    ;[now, timers, reported, gossips] = [0, [], [], new Set([LARGER, SMALLER])]
    const clock = {
      mono: () => now,
      timer: (ms: number, act: () => void) => {
        const timer = { at: now + ms, act }
        timers.push(timer)
        return () => timers.splice(timers.indexOf(timer), 1)
      },
    } as unknown as Clock
    const name = (peer: PeerId) => (peer === LARGER ? 'larger' : 'smaller')
    members = createMembers({
      self: SELF,
      clock,
      log: silentLog,
      gossipsTo: (peer) => gossips.has(peer),
      events: {
        onConnected: (peer) => reported.push(`connected ${name(peer)}`),
        onDisconnected: (peer, why) => reported.push(`disconnected ${name(peer)} ${why}`),
        onLinkLost: (peer) => reported.push(`link lost ${name(peer)}`),
      },
    })
  })

  const pass = (ms: number) => {
    for (const end = now + ms; ; ) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      now = next?.at ?? end
      if (!next) return
      timers.splice(timers.indexOf(next), 1)
      next.act()
    }
  }
  /** An open connection; aborting it closes it, as in libp2p. */
  const open = (peer: PeerId): Connection => {
    const connection = { remotePeer: { toString: () => peer }, status: 'open' } as unknown as Connection
    connection.abort = () => {
      if (connection.status !== 'open') return
      connection.status = 'aborted'
      members.closed(connection)
    }
    members.opened(connection)
    return connection
  }
  const join = (peer: PeerId) => {
    const connection = open(peer)
    members.subscribed(peer)
    members.firstHeartbeat(connection)
    return connection
  }

  it('are connected, subscribed, beating and gossiped to; all four', () => {
    gossips.clear()
    const connection = open(LARGER)
    members.firstHeartbeat(connection)
    assert.deepEqual(members.list(), [])
    members.subscribed(LARGER)
    pass(100)
    assert.deepEqual([members.list(), reported], [[], []])
    gossips.add(LARGER)
    pass(20)
    assert.deepEqual([members.list(), reported], [[LARGER], ['connected larger']])
  })

  it('may subscribe before their connection is reported of', () => {
    members.subscribed(LARGER)
    members.firstHeartbeat(open(LARGER))
    assert.deepEqual(members.list(), [LARGER])
  })

  it('are lost with their last connection, and those that never were members only as links', () => {
    join(LARGER).abort(new Error())
    open(SMALLER).abort(new Error())
    assert.deepEqual(reported, [
      'connected larger',
      'disconnected larger closed',
      'link lost larger',
      'link lost smaller',
    ])
  })

  it('are lost by silence, and the reason does not apply to their next connection', () => {
    members.silent(join(LARGER))
    join(LARGER).abort(new Error())
    assert.deepEqual(
      reported.filter((each) => each.startsWith('dis')),
      ['disconnected larger alive', 'disconnected larger closed'],
    )
  })

  it('with two connections lose the newest when this peer has the smaller id, and keep both otherwise', () => {
    const [one, two] = [join(LARGER), open(LARGER)]
    assert.deepEqual([one.status, two.status], ['open', 'aborted'])
    const [three, four] = [join(SMALLER), open(SMALLER)]
    assert.deepEqual([three.status, four.status], ['open', 'open'])
    const fifth = open(SMALLER)
    assert.equal(fifth.status, 'aborted')
  })

  it('whose oldest connection closes beside another are hung up at once', () => {
    const [one, two] = [join(SMALLER), open(SMALLER)]
    one.abort(new Error())
    assert.equal(two.status, 'aborted')
    assert.equal(reported.at(-1), 'link lost smaller')
  })

  it('whose newer connection closes stay, unless gossip went with it', () => {
    const [one, two] = [join(SMALLER), open(SMALLER)]
    two.abort(new Error())
    pass(1_000)
    assert.equal(one.status, 'open')
    const three = open(SMALLER)
    gossips.clear()
    three.abort(new Error())
    pass(1_000)
    assert.equal(one.status, 'aborted')
  })

  it('that beat without gossip for long are hung up; those that never beat are left to the alive stream', () => {
    const mute = open(LARGER)
    members.firstHeartbeat(mute)
    const stranger = open(SMALLER)
    pass(4_000)
    assert.equal(mute.status, 'open')
    pass(6_500)
    assert.deepEqual([mute.status, stranger.status], ['aborted', 'open'])
    members.stop()
  })
})
