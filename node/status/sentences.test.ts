/** The sentences of the status, each in the cases where it is said and where it is not. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { ANN, BOB, CAT } from '../../protocol/conformance/ledger/world.ts'
import { deliveryText, engineText, heldText, stateText } from './sentences.ts'

const nas = { peer: ANN, name: 'nas', host: 'one' }
const box = { peer: BOB, name: 'box', host: 'two' }

describe('the state of a peer', () => {
  const text = (state: string, heard_s: number, paused = false) => stateText({ state, heard_s, paused })

  it('is that of its last heartbeat while it is heard', () => {
    assert.deepEqual([text('working', 0), text('disk_full', 5)], ['working', 'disk_full'])
    assert.deepEqual([text('self_test_failed', 0), text('idle', 0, true)], ['self-test', 'paused'])
  })

  it('is how long it is silent, unless it said that it leaves', () => {
    assert.deepEqual(
      [text('idle', 42), text('idle', 600), text('idle', 36_000)],
      ['silent 42s', 'silent 10m', 'silent 10h'],
    )
    assert.equal(text('idle', 42, true), 'silent 42s')
    assert.equal(text('leaving', 42), 'leaving')
  })
})

describe('what must stay on', () => {
  const only = { peers: [ANN], may_leave: false }
  const both = { peers: [ANN, BOB], may_leave: true }

  it('is said of the source of an open video, and of the results of a COMPLETED one', () => {
    assert.equal(heldText('RUNNING', only, [nas, box]), 'source only on nas: not replicated, keep it online')
    assert.equal(heldText('COMPLETED', only, [nas, box]), 'results only on nas: not replicated, keep it online')
    assert.equal(heldText('RUNNING', both, [nas, box]), 'source replicated on nas, box: the submitter can go offline')
    assert.equal(
      heldText('RUNNING', { peers: [], may_leave: false }, [nas, box]),
      'source on no connected peer: this video waits',
    )
  })

  it('is no question on one machine, whatever runs there, nor once a video has ended', () => {
    assert.equal(heldText('RUNNING', only, [nas]), null)
    const containers = [
      { ...nas, host: 'one-0000cafe' },
      { ...box, host: 'two-0000cafe' },
    ]
    assert.equal(heldText('RUNNING', both, containers), null)
    assert.equal(heldText('COMPLETED', both, [nas, box]), null)
    assert.equal(heldText('FAILED', only, [nas, box]), null)
    assert.equal(heldText('CANCELLED', only, [nas, box]), null)
  })

  it('names a peer without a name by the end of its id', () => {
    assert.match(heldText('RUNNING', only, [{ ...nas, name: '' }, box]) ?? '', new RegExp(`only on ${ANN.slice(-8)}:`))
  })
})

describe('a delivery', () => {
  const open = { peer: ANN, dir: '/out', done_at: null }

  it('is shown as open once the video is COMPLETED, with the peer that makes it', () => {
    assert.equal(deliveryText('COMPLETED', open, [nas]), 'not delivered yet to /out by nas')
    assert.equal(
      deliveryText('COMPLETED', { ...open, peer: CAT }, [nas]),
      `not delivered yet to /out: its peer ${CAT.slice(-8)} is not connected`,
    )
  })

  it('is not mentioned before, and when it is done', () => {
    assert.equal(deliveryText('RUNNING', open, [nas]), null)
    assert.equal(deliveryText('COMPLETED', { ...open, done_at: 1 }, [nas]), null)
  })
})

test('an engine is said to be out of reach where none of its peers was heard for two minutes', () => {
  const engine = { wanted: 2, reason: 'a long queue', peers: [ANN] }
  assert.equal(engineText(engine, [{ peer: ANN, heard_s: 119 }]), '2 workers wanted: a long queue')
  assert.equal(engineText({ ...engine, wanted: 1, reason: null }, [{ peer: ANN, heard_s: 0 }]), '1 worker wanted')
  const out = 'no connected peer can reach this engine'
  assert.equal(engineText(engine, [{ peer: ANN, heard_s: 120 }]), out)
  assert.equal(engineText(engine, [{ peer: BOB, heard_s: 0 }]), out)
})
