/** Who is quarantined: poison peers, never the victims of poison tasks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FailureCode } from '../../protocol/errors.ts'
import { asPeerId, type PeerId, taskId, type VideoId } from '../../protocol/ids.ts'
import type { Outcome, PeerRecord } from '../../protocol/ledger.ts'
import { QUARANTINE_AFTER_FAILURES, QUARANTINE_MS } from '../../protocol/limits.ts'
import { peersToQuarantine } from './quarantine.ts'

const video = '0123456789abcdef' as VideoId
const [bad, good] = [asPeerId('bad'), asPeerId('good')]
let chunks = 0

interface Story {
  readonly by?: PeerId
  readonly at: number
  readonly failed?: PeerId | undefined
  readonly failedAt?: number
  readonly code?: FailureCode
  readonly chunk?: number
  readonly rendition?: string
}

/** A task that `by` completed at `at`, at which `failed` had failed. */
function outcome({
  by = good,
  at,
  failed,
  failedAt = at - 1,
  code = 'encode_failed',
  chunk,
  rendition = '480p',
}: Story): Outcome {
  const failure = { attempt: 1, code, message: 'ffmpeg said no', log: null, at: failedAt }
  return {
    _id: taskId(video, rendition, chunk ?? ++chunks),
    kind: 'video',
    worker_id: by,
    end_time: at,
    failures: failed ? [{ ...failure, worker_id: failed }] : [],
  }
}

const record = (of: Partial<PeerRecord>): PeerRecord => ({
  _id: bad,
  paused: false,
  draining: false,
  quarantined_until: null,
  quarantines: 0,
  reason: null,
  audits_agreed: 0,
  ...of,
})
const quarantined = (outcomes: readonly Outcome[], records: readonly PeerRecord[] = [], now = 1_000) =>
  peersToQuarantine({ outcomes, records, now })
/** Failures of `bad` at so many chunks that `good` completed, at 10, 20 … after `from`. */
const counted = (count: number, from = 0): Outcome[] =>
  Array.from({ length: count }, (_, n) => outcome({ at: from + 10 * (n + 1), failed: bad }))

describe('a peer is quarantined', () => {
  it('after three chunks in a row that it failed and others completed, with the reason', () => {
    assert.deepEqual(quarantined(counted(2)), [])
    const [one, ...others] = quarantined(counted(3))
    assert.deepEqual([one?.peer, one?.ms, one?.quarantines, others.length], [bad, QUARANTINE_MS.base, 1, 0])
    assert.match(
      one?.reason ?? '',
      /failed at 3 chunks in a row that others completed, last with encode_failed: ffmpeg/,
    )
  })

  it('not when it completed something in between, and not for what it then completed itself', () => {
    const between = outcome({ by: bad, at: 15 })
    assert.deepEqual(quarantined([...counted(3), between]), [])
    assert.deepEqual(quarantined([...counted(2), outcome({ by: bad, at: 40, failed: bad })]), [])
    assert.equal(quarantined([...counted(4), between]).length, 1, 'three came after it')
  })

  it('not for one ffmpeg that failed at all renditions of a chunk', () => {
    const batch = (['480p', '720p', '1080p'] as const).map((rendition) =>
      outcome({ at: 10, failed: bad, chunk: 7, rendition }),
    )
    assert.deepEqual(quarantined(batch), [])
    assert.equal(quarantined([...batch, ...counted(2, 20)]).length, 1)
  })

  it('not for circumstances: a missing input, a full disk', () => {
    const codes = ['input_missing', 'disk_full', 'ledger_away'] as const
    assert.deepEqual(quarantined(codes.map((code, n) => outcome({ at: 10 + n, failed: bad, code }))), [])
  })

  it('for twice as long where nothing completed came between, up to an hour, and from the start again where it did', () => {
    const spell = (of: Partial<PeerRecord>, more: readonly Outcome[] = []) =>
      quarantined([...counted(3, 100), ...more], [record(of)])[0]
    const before = { quarantined_until: 50, quarantines: 1 }
    assert.deepEqual([spell(before)?.ms, spell(before)?.quarantines], [2 * QUARANTINE_MS.base, 2])
    assert.equal(spell({ ...before, quarantines: 40 })?.ms, QUARANTINE_MS.max)
    assert.equal(spell({ ...before, quarantines: 3 }, [outcome({ by: bad, at: 60 })])?.quarantines, 1)
  })

  it('not while it is, and not again for what was before: a person may end it early', () => {
    assert.deepEqual(quarantined(counted(3), [record({ quarantined_until: 2_000 })]), [])
    assert.deepEqual(quarantined(counted(5), [record({ quarantined_until: 500 })]), [])
  })
})

const peers = ['a', 'b', 'c', 'd'].map(asPeerId)
const stories = fc.array(
  fc.record({
    by: fc.constantFrom(...peers),
    at: fc.integer({ min: 1, max: 500 }),
    failed: fc.option(fc.constantFrom(...peers), { nil: undefined }),
    chunk: fc.integer({ min: 0, max: 30 }),
  }),
  { maxLength: 60 },
)
const outcomesOf = (given: readonly Story[]) =>
  given.map(({ failed, ...story }) => outcome({ ...story, ...(failed && { failed }) }))

describe('whatever happened', () => {
  it('the order in which it is given does not matter', () => {
    fc.assert(
      fc.property(stories, (given) => {
        const outcomes = outcomesOf(given)
        const names = (of: readonly Outcome[]) =>
          quarantined(of)
            .map(({ peer, ms }) => `${peer} ${ms}`)
            .sort()
        assert.deepEqual(names(outcomes), names([...outcomes].reverse()))
      }),
    )
  })

  it('who just completed something is trusted, and so is who failed less than three times', () => {
    fc.assert(
      fc.property(stories, fc.constantFrom(...peers), (given, peer) => {
        const outcomes = outcomesOf(given)
        assert.ok(!quarantined([...outcomes, outcome({ by: peer, at: 600 })]).some((each) => each.peer === peer))
        const few = outcomes.filter(({ failures }) => failures[0]?.worker_id !== peer)
        const rest = outcomes.filter((each) => !few.includes(each)).slice(0, QUARANTINE_AFTER_FAILURES - 1)
        assert.ok(!quarantined([...few, ...rest]).some((each) => each.peer === peer))
      }),
    )
  })

  it('a task that no peer completes counts against none: only COMPLETED tasks are read', () => {
    fc.assert(
      fc.property(stories, (given) => {
        const nobodys = outcomesOf(given).map((each) => ({ ...each, worker_id: null }))
        assert.deepEqual(quarantined(nobodys), [])
      }),
    )
  })

  it('a quarantine is never longer than the maximum or shorter than the minimum', () => {
    fc.assert(
      fc.property(stories, fc.integer({ min: 0, max: 5_000 }), (given, quarantines) => {
        for (const { ms } of quarantined(
          outcomesOf(given),
          peers.map((_id) => record({ _id, quarantines, quarantined_until: 0 })),
        ))
          assert.ok(ms >= QUARANTINE_MS.base && ms <= QUARANTINE_MS.max)
      }),
    )
  })
})
