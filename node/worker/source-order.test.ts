/** Who takes an ingest: whoever has the source, and the leader once that peer had its chance. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { INGEST_TAKEOVER_MS } from '../../protocol/limits.ts'
import { mayTakeIngest } from './source-order.ts'

const fits = fc.constantFrom(true, false, null)
const ANYONE = { planner: null }

describe('an ingest task', () => {
  it('is for who has the source, from the first moment', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.boolean(), fits, (now, created_at, leads, fits) => {
        assert.equal(mayTakeIngest({ ...ANYONE, now, created_at, hasSource: true, leads, fits }).take, true)
      }),
    )
  })

  it('is for the leader without the source only after its time', () => {
    const at = (waited: number) =>
      mayTakeIngest({ ...ANYONE, now: 5_000 + waited, created_at: 5_000, hasSource: false, leads: true, fits: null })
        .take
    assert.deepEqual([at(0), at(INGEST_TAKEOVER_MS - 1), at(INGEST_TAKEOVER_MS)], [false, false, true])
  })

  it('is never for a follower without the source, while no disk was too small for it', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (now, created_at) => {
        assert.equal(
          mayTakeIngest({ ...ANYONE, now, created_at, hasSource: false, leads: false, fits: null }).take,
          false,
        )
      }),
    )
  })

  it('is for peers with room once a disk was too small for its source, and for no others', () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), fc.boolean(), (now, leads, fits) => {
        assert.equal(mayTakeIngest({ ...ANYONE, now, created_at: 0, hasSource: false, leads, fits }).take, fits)
      }),
    )
  })

  it('is for the coordinator that has the encoders for its plan, and waits for no other one', () => {
    const asked = { now: 5_000, created_at: 5_000, leads: false, fits: null }
    assert.equal(mayTakeIngest({ ...asked, hasSource: true, planner: 'other' }).take, false)
    assert.equal(mayTakeIngest({ ...asked, hasSource: false, planner: 'self' }).take, true)
    assert.equal(
      mayTakeIngest({ ...asked, hasSource: false, planner: 'self', fits: false }).take,
      false,
      'its disk is full',
    )
  })

  it('has a reason in words', () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), fc.boolean(), fits, (now, hasSource, leads, fits) => {
        assert.match(mayTakeIngest({ ...ANYONE, now, created_at: 0, hasSource, leads, fits }).reason, /source/)
      }),
    )
  })
})
