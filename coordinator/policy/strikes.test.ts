/** When a task is given up: by strikes alone, never by attempts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FAILURE_CODES, type FailureCode } from '../../protocol/errors.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { STRIKES_PEER_DIED } from '../../protocol/limits.ts'
import type { Failure, Strike } from '../../protocol/task.ts'
import { evaluateStrikes } from './strikes.ts'

const peer = (name: string): PeerId => asPeerId(name)
const strikes = (code: FailureCode, ...peers: string[]): Strike[] =>
  peers.map((worker_id) => ({ code, worker_id: peer(worker_id) }))
const among = (...peers: string[]): ReadonlySet<PeerId> => new Set(peers.map(peer))
const codeOf = (given: readonly Strike[], capable: ReadonlySet<PeerId> | null) =>
  evaluateStrikes({ strikes: given, failures: [] }, { capable })?.code ?? null

describe('a task is given up', () => {
  const cases: readonly [string, Strike[], ReadonlySet<PeerId> | null, FailureCode | null][] = [
    ['never without a strike', [], among('a'), null],
    ['at once where the source is refused', strikes('source_refused', 'a'), null, 'source_refused'],
    ['at once where the recipe is refused', strikes('recipe_refused', 'a'), null, 'recipe_refused'],
    [
      'when three peers failed at it',
      strikes('encode_failed', 'a', 'b', 'c'),
      among('a', 'b', 'c', 'd'),
      'encode_failed',
    ],
    [
      'not when one peer failed three times and others could',
      strikes('encode_failed', 'a', 'a', 'a'),
      among('a', 'b'),
      null,
    ],
    [
      'not when three peers failed in three ways',
      [...strikes('encode_failed', 'a'), ...strikes('stalled', 'b'), ...strikes('verify_failed', 'c')],
      among('a', 'b', 'c'),
      null,
    ],
    ['when the only capable peer failed twice', strikes('encode_failed', 'a', 'a'), among('a'), 'encode_failed'],
    [
      'when both capable peers failed twice',
      strikes('encode_failed', 'a', 'b', 'b', 'a'),
      among('a', 'b'),
      'encode_failed',
    ],
    ['not while the second of two failed only once', strikes('encode_failed', 'a', 'b', 'a'), among('a', 'b'), null],
    [
      'not for one bad build where the leader itself could do it',
      strikes('build_cannot', 'bad', 'bad', 'bad'),
      among('bad', 'leader'),
      null,
    ],
    ['not where nobody is known that could try', strikes('encode_failed', 'a', 'a'), among(), null],
    ['not for few peers before it is known who is there', strikes('encode_failed', 'a', 'a', 'a'), null, null],
    [
      'when all but a bad build failed at it',
      [...strikes('build_cannot', 'bad', 'bad'), ...strikes('encode_failed', 'a', 'a', 'b', 'b')],
      among('bad', 'a', 'b'),
      'encode_failed',
    ],
    ['when no build of two can', strikes('build_cannot', 'a', 'a', 'b', 'b'), among('a', 'b'), 'build_cannot'],
    ['not when workers died on it five times', strikes('peer_died', 'a', 'b', 'c', 'd', 'e'), among('a'), null],
    ['when workers died on it six times', strikes('peer_died', ...'aabbcc'), among('a'), 'peer_died'],
  ]
  for (const [title, given, capable, expected] of cases) it(title, () => assert.equal(codeOf(given, capable), expected))

  const said = (message: string, ...peers: string[]): Failure[] =>
    peers.map((name, at) => ({ ...strikes('encode_failed', name)[0]!, attempt: at + 1, message, log: null, at }))
  const verdictOn = (failures: Failure[], capable: ReadonlySet<PeerId> | null, given: readonly Strike[] = failures) =>
    evaluateStrikes({ strikes: given, failures }, { capable })?.code ?? null

  it('when two eligible peers of many say the same of its data', () => {
    const all = among('a', 'b', 'c', 'd')
    assert.equal(verdictOn(said('bad data', 'a', 'b'), all), 'encode_failed')
    assert.equal(verdictOn([...said('bad data', 'a'), ...said('worse data', 'b')], all), null)
    assert.equal(verdictOn(said('bad data', 'a', 'a', 'a'), all), null)
    assert.equal(verdictOn(said('exit code 1: Input/output error', 'a', 'b'), all), null)
  })

  it('but not by peers that are not eligible, as in quarantine, or while it is not known who is', () => {
    assert.equal(verdictOn(said('bad data', 'a', 'bad'), among('a', 'b', 'c')), null)
    assert.equal(verdictOn(said('bad data', 'a', 'b'), null), null)
  })

  it('and not by failures from before its video was retried, which left no strike', () => {
    const failures = said('bad data', 'a', 'b')
    assert.equal(verdictOn(failures, among('a', 'b', 'c'), []), null)
    assert.equal(
      verdictOn([...failures, ...said('bad data', 'a')], among('a', 'b', 'c'), strikes('encode_failed', 'a')),
      null,
    )
  })

  const strike = fc.record({
    code: fc.constantFrom(...FAILURE_CODES),
    worker_id: fc.constantFrom(...'abcde').map(peer),
  })
  const capable = fc.option(
    fc.uniqueArray(fc.constantFrom(...'abcde').map(peer)).map((peers): ReadonlySet<PeerId> => new Set(peers)),
  )

  it('and more strikes of a code never take that back', () => {
    fc.assert(
      fc.property(
        fc.array(strike, { maxLength: 12 }),
        fc.array(strike, { maxLength: 6 }),
        capable,
        (given, more, peers) => {
          if (evaluateStrikes({ strikes: given, failures: [] }, { capable: peers }) === null) return
          assert.notEqual(evaluateStrikes({ strikes: [...given, ...more], failures: [] }, { capable: peers }), null)
        },
      ),
    )
  })

  it('in whatever order the strikes came', () => {
    fc.assert(
      fc.property(fc.array(strike, { maxLength: 12 }), capable, (given, peers) => {
        const [one, other] = [given, given.toReversed()].map(
          (each) => evaluateStrikes({ strikes: each, failures: [] }, { capable: peers }) === null,
        )
        assert.equal(one, other)
      }),
    )
  })

  it('for deaths only at the bound', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'abc'), { maxLength: 12 }), capable, (peers, known) => {
        const verdict = evaluateStrikes({ strikes: strikes('peer_died', ...peers), failures: [] }, { capable: known })
        assert.equal(verdict !== null, peers.length >= STRIKES_PEER_DIED)
      }),
    )
  })
})
