/** How many renditions a slot takes: all while there is plenty, its share near the end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RESOLUTIONS, type Resolution } from '../../protocol/ids.ts'
import { siblingsToTake } from './fuse.ts'

const all = RESOLUTIONS
const others = (anchor: Resolution): Resolution[] => all.filter((rung) => rung !== anchor)
const asked = fc.record({
  anchor: fc.constantFrom(...all),
  able: fc.subarray([...all]),
  pending: fc.record({ '480p': fc.nat(200), '720p': fc.nat(200), '1080p': fc.nat(200) }, { requiredKeys: [] }),
  slots: fc.integer({ min: 1, max: 64 }),
})

/** Claims chunk after chunk, as slots do, until nothing is pending: what each slot took. */
function drain(chunks: number, slots: number): Resolution[][] {
  const open = Array.from({ length: chunks }, () => new Set<Resolution>(all))
  const taken: Resolution[][] = []
  for (;;) {
    const chunk = open.find((rungs) => rungs.size > 0)
    if (!chunk) return taken
    const anchor = (['1080p', '480p', '720p'] as const).find((rung) => chunk.has(rung))!
    chunk.delete(anchor)
    const pending = Object.fromEntries(all.map((rung) => [rung, open.filter((rungs) => rungs.has(rung)).length]))
    const siblings = siblingsToTake({ anchor, able: all, pending, slots }).filter((rung) => chunk.delete(rung))
    taken.push([anchor, ...siblings])
  }
}

describe('a slot that claimed one rendition of a chunk', () => {
  it('takes all others, dearest first, while there is more work than slots', () => {
    const pending = { '480p': 20, '720p': 20, '1080p': 19 }
    assert.deepEqual(siblingsToTake({ anchor: '1080p', able: all, pending, slots: 4 }), ['720p', '480p'])
    assert.deepEqual(siblingsToTake({ anchor: '480p', able: all, pending, slots: 1 }), ['1080p', '720p'])
  })

  it('leaves the small ones of the last chunk to the other of two free slots', () => {
    const last = { '480p': 1, '720p': 1 }
    assert.deepEqual(siblingsToTake({ anchor: '1080p', able: all, pending: last, slots: 2 }), [])
    assert.deepEqual(siblingsToTake({ anchor: '480p', able: ['480p', '720p'], pending: { '720p': 1 }, slots: 1 }), [
      '720p',
    ])
  })

  it('takes everything where it is the only slot', () => {
    fc.assert(
      fc.property(asked, (ask) => {
        const pending = Object.fromEntries(others(ask.anchor).map((rung) => [rung, 1]))
        const taken = siblingsToTake({ ...ask, pending, slots: 1, able: all })
        assert.deepEqual(new Set(taken), new Set(others(ask.anchor)))
      }),
    )
  })

  it('asks only for what it can do, never for its own, and for nothing twice', () => {
    fc.assert(
      fc.property(asked, (ask) => {
        const taken = siblingsToTake(ask)
        assert.equal(new Set(taken).size, taken.length)
        assert.ok(taken.every((rung) => rung !== ask.anchor && ask.able.includes(rung)))
      }),
    )
  })

  it('takes no more because more slots are there', () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 64 }), (ask, more) => {
        const cost = (rungs: Resolution[]) => rungs.length
        assert.ok(cost(siblingsToTake({ ...ask, slots: ask.slots + more })) <= cost(siblingsToTake(ask)))
      }),
    )
  })

  it('leaves nothing over and takes nothing twice, however many chunks and slots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 12 }), (chunks, slots) => {
        assert.equal(drain(chunks, slots).flat().length, chunks * all.length)
      }),
      { numRuns: 60 },
    )
  })
})
