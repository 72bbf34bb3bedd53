import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { REPLICAS } from '../../protocol/limits.ts'
import { machinesOf } from '../../protocol/machine.ts'
import { commonHolders, decideReplication, heldBy, type ReplicaCandidate } from './replication.ts'

const [ANN, BOB, CAT, DAN] = ['ann', 'bob', 'cat', 'dan'].map((name) => asPeerId(`peer ${name}`)) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const at = (peer: PeerId, host: string, change: Partial<ReplicaCandidate> = {}): ReplicaCandidate => ({
  peer, host, takes: true, rank: 0, ...change,
}) // biome-ignore format: one line a peer

describe('copies', () => {
  it('are enough on two machines, not with two peers of one', () => {
    assert.equal(decideReplication([ANN, BOB], [at(ANN, 'one'), at(BOB, 'two')]).is, 'enough')
    assert.deepEqual(decideReplication([ANN, BOB], [at(ANN, 'one'), at(BOB, 'one'), at(CAT, 'two')]), {
      is: 'wanted',
      from: [CAT],
      reason: 'on 1 of 2 machines',
    })
  })

  it('are not asked for where there is one machine, or no other has room', () => {
    assert.equal(decideReplication([ANN], [at(ANN, 'one'), at(BOB, 'one')]).is, 'enough')
    assert.equal(decideReplication([ANN], [at(ANN, 'one'), at(BOB, 'two', { takes: false })]).is, 'enough')
  })

  it('go to another machine before another container of the same one, which is better than none', () => {
    const [one, two] = [at(ANN, 'coordinator-1-0000cafe'), at(BOB, 'worker-0000cafe', { rank: 2 })]
    const far = at(CAT, 'box-0000beef')
    const wanted = { is: 'wanted', reason: 'on 1 of 2 machines' }
    assert.deepEqual(decideReplication([ANN], [one, two, far]), { ...wanted, from: [CAT] })
    assert.deepEqual(decideReplication([ANN], [one, two]), { ...wanted, from: [BOB] })
    assert.equal(decideReplication([ANN, BOB], [one, two]).is, 'enough')
    assert.deepEqual(decideReplication([ANN, BOB], [one, two, far]), { ...wanted, from: [CAT] })
    assert.equal(decideReplication([ANN, CAT], [one, two, far]).is, 'enough')
  })

  it('of a holder that is gone do not count', () => {
    assert.deepEqual(decideReplication([ANN, DAN], [at(ANN, 'one'), at(BOB, 'two')]), {
      is: 'wanted',
      from: [BOB],
      reason: 'on 1 of 2 machines',
    })
  })

  it('are asked of those who rank higher first', () => {
    const advice = decideReplication([ANN], [at(ANN, 'one'), at(BOB, 'two'), at(CAT, 'three', { rank: 2 })])
    assert.deepEqual(advice.is === 'wanted' && advice.from, [CAT, BOB])
  })

  it('end at enough when every asked peer makes its replica, for any mesh', () => {
    const peers = fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 12 }).chain((ids) =>
      fc.tuple(
        ...ids.map((id) =>
          fc.record({
            peer: fc.constant(asPeerId(`peer ${id}`)),
            host: fc.constantFrom('a', 'b-0000cafe', 'c-0000cafe', 'd'),
            takes: fc.boolean(),
            rank: fc.nat(3),
          }),
        ),
      ),
    )
    fc.assert(
      fc.property(peers, fc.nat(11), (present, first) => {
        const holders = [present[first % present.length]!.peer]
        for (let step = 0; ; step++) {
          const advice = decideReplication(holders, present)
          if (advice.is === 'enough') break
          // One container more, perhaps, before another machine.
          assert.ok(step < REPLICAS)
          const [asked] = advice.from
          assert.ok(asked && !holders.includes(asked))
          holders.push(asked)
        }
        const able = present.filter(({ takes, peer }) => takes || holders.includes(peer)).map(({ host }) => host)
        const held = heldBy(holders, present)
        assert.equal(machinesOf(held).size, Math.min(REPLICAS, machinesOf(able).size))
        assert.ok(held.size >= Math.min(REPLICAS, new Set(able).size))
      }),
    )
  })

  it('of several blobs are with those who have all of them', () => {
    assert.deepEqual(commonHolders([{ holders: [ANN, BOB] }, { holders: [BOB, CAT] }]), [BOB])
    assert.deepEqual(commonHolders([]), [])
  })
})
