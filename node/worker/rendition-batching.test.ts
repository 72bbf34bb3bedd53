/** How many renditions a slot takes: all while there is plenty, its share near the end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FIXED_COST, SOUND_COST, siblingsToTake } from './rendition-batching.ts'

const rendition = (id: string, cost: number) => ({ id, cost })
const [small, medium, large] = [rendition('480p', 0.41), rendition('720p', 0.92), rendition('1080p', 2.07)]
const hevc = rendition('1080p-hevc', 8)
const all = [small, medium, large, hevc, rendition('333p', 0.2)]
type Costed = (typeof all)[number]
const waiting = (...counts: [Costed, number][]) => counts.map(([rendition, count]) => ({ rendition, count }))
const idsOf = (some: readonly Costed[]) => some.map(({ id }) => id)
const others = (anchor: Costed): Costed[] => all.filter((each) => each !== anchor)
const asked = fc.record({
  anchor: fc.constantFrom(...all),
  able: fc.subarray(all),
  pending: fc.uniqueArray(fc.record({ rendition: fc.constantFrom(...all), count: fc.integer({ min: 1, max: 200 }) }), {
    selector: (one) => one.rendition.id,
  }),
  slots: fc.integer({ min: 1, max: 64 }),
})

/** Claims chunk after chunk, as slots do, until nothing is pending: what each slot took. */
function drain(chunks: number, slots: number): string[][] {
  const open = Array.from({ length: chunks }, () => new Set(all))
  const dearestFirst = [...all].sort((a, b) => b.cost - a.cost)
  const taken: string[][] = []
  for (;;) {
    const chunk = open.find((renditions) => renditions.size > 0)
    if (!chunk) return taken
    const anchor = dearestFirst.find((each) => chunk.has(each))!
    chunk.delete(anchor)
    const pending = all.map((each) => ({ rendition: each, count: open.filter((left) => left.has(each)).length }))
    const siblings = siblingsToTake({ anchor, able: all, pending, slots }).filter((id) =>
      chunk.delete(all.find((each) => each.id === id)!),
    )
    taken.push([anchor.id, ...siblings])
  }
}

describe('a slot that claimed one rendition of a chunk', () => {
  it('takes all others, dearest first, while there is more work than slots', () => {
    const ladder = [small, medium, large]
    const pending = waiting([small, 20], [medium, 20], [large, 19])
    assert.deepEqual(siblingsToTake({ anchor: large, able: ladder, pending, slots: 4 }), ['720p', '480p'])
    assert.deepEqual(siblingsToTake({ anchor: small, able: ladder, pending, slots: 1 }), ['1080p', '720p'])
    const both = waiting([hevc, 20], [large, 20])
    assert.deepEqual(siblingsToTake({ anchor: hevc, able: [large], pending: both, slots: 2 }), ['1080p'])
  })

  it('leaves the small ones of the last chunk to the other of two free slots', () => {
    const last = waiting([small, 1], [medium, 1])
    assert.deepEqual(siblingsToTake({ anchor: large, able: [small, medium], pending: last, slots: 2 }), [])
    const one = waiting([medium, 1])
    assert.deepEqual(siblingsToTake({ anchor: small, able: [small, medium], pending: one, slots: 1 }), ['720p'])
  })

  it('keeps cheap renditions together, as another decode would take what it gains', () => {
    const [quick, quicker] = [rendition('720p', 0.31), rendition('480p', 0.14)]
    const pending = waiting([quicker, 1])
    assert.deepEqual(siblingsToTake({ anchor: quick, able: [quicker], pending, slots: 2 }), ['480p'])
  })

  it('takes the cheapest rendition beside the sound where another slot is idle', () => {
    const sound = { id: 'audio', cost: SOUND_COST, isSmall: true }
    const ask = { anchor: sound, able: [small, medium], pending: waiting([small, 1], [medium, 1]) }
    assert.deepEqual(siblingsToTake({ ...ask, slots: 2 }), ['480p'])
    assert.deepEqual(siblingsToTake({ ...ask, slots: 1 }), ['720p', '480p'])
    const only = { able: [small], pending: waiting([small, 1]), slots: 2 }
    assert.deepEqual(siblingsToTake({ ...only, anchor: sound }), ['480p'], 'sound is not worth a slot of its own')
    const left = [{ rendition: sound, count: 1 }]
    assert.deepEqual(siblingsToTake({ anchor: large, able: [sound], pending: left, slots: 9 }), ['audio'])
  })

  it('takes everything where it is the only slot', () => {
    fc.assert(
      fc.property(asked, (ask) => {
        const pending = waiting(...others(ask.anchor).map((each): [Costed, number] => [each, 1]))
        const taken = siblingsToTake({ ...ask, pending, slots: 1, able: all })
        assert.deepEqual(new Set(taken), new Set(idsOf(others(ask.anchor))))
      }),
    )
  })

  it('asks only for what it can do, never for its own, and for nothing twice', () => {
    fc.assert(
      fc.property(asked, (ask) => {
        const taken = siblingsToTake(ask)
        assert.equal(new Set(taken).size, taken.length)
        assert.ok(taken.every((id) => id !== ask.anchor.id && idsOf(ask.able).includes(id)))
      }),
    )
  })

  // Of number this is not so: a smaller share may leave out a dear one and take two cheap ones.
  it('takes no more work because more slots are there', () => {
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 64 }), (ask, more) => {
        const work = (taken: string[]) =>
          taken.reduce((sum, id) => sum + FIXED_COST + all.find((each) => each.id === id)!.cost, 0)
        assert.ok(work(siblingsToTake({ ...ask, slots: ask.slots + more })) <= work(siblingsToTake(ask)))
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
