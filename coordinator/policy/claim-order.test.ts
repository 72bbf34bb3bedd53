import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { placeOf } from '../../protocol/claim-order.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { decideOrder, type OpenVideo, type OrderPast, type OrderView, REST_SHARE } from './claim-order.ts'

const NOW = 1_800_000_000_000
const MIN = 60_000
const id = (n: number) => n.toString(16).padStart(16, '0') as VideoId
const video = (n: number, change: Partial<OpenVideo> = {}): OpenVideo => ({
  id: id(n), submitter: 'a', priority: 0, place: NOW + n, deadline: null, work_s: 60, least_s: 10, running: 0, waits: true, ...change,
}) // biome-ignore format: a list
const view = (videos: readonly OpenVideo[], now = NOW): OrderView => ({
  now,
  slots: 10,
  fastest: { name: 'nas', share: 0.25 },
  videos,
})
/** The videos as they are claimed. */
function claimed(of: OrderView, past: OrderPast | null = null): number[] {
  const { keys } = decideOrder(of, past)
  const byKey = (a: OpenVideo, b: OpenVideo) => b.priority - a.priority || keys.get(a.id)! - keys.get(b.id)!
  return of.videos.toSorted(byKey).map((one) => Number.parseInt(one.id, 16))
}
const bandsOf = (of: OrderView, past: OrderPast | null) =>
  [...decideOrder(of, past).keys.values()].map((key) => placeOf(key, NOW).band)

describe('the order of claims', () => {
  test('goes by priority, then by slack, then by place', () => {
    const near = video(1, { deadline: NOW + 60 * MIN })
    const large = video(2, { deadline: NOW + 61 * MIN, work_s: 10 * 60 })
    const first = video(4, { priority: 1 })
    assert.deepEqual(claimed(view([video(0), near, large, video(3), first])), [4, 2, 1, 0, 3])
  })

  test('lets the largest of those go that cannot all be held, and claims it after them', () => {
    const small = [1, 2, 3].map((n) => video(n, { deadline: NOW + (10 + n) * MIN, work_s: 120 }))
    const huge = video(0, { deadline: NOW + 10 * MIN, work_s: 9 * 60 })
    assert.deepEqual(claimed(view([huge, ...small])), [1, 2, 3, 0])
  })

  test('claims a hopeless one before those without a deadline, and before those that have the time to spare', () => {
    const hopeless = video(1, { deadline: NOW + 30_000 })
    const close = video(2, { deadline: NOW + 90_000 })
    assert.deepEqual(claimed(view([video(0), hopeless, close])), [2, 1, 0])
    assert.deepEqual(claimed(view([video(0), hopeless, { ...close, deadline: NOW + 60 * MIN }])), [1, 2, 0])
  })

  test('takes turns among submitters: one video of another is before all but those that it would be even with', () => {
    const many = Array.from({ length: 20 }, (_, n) => video(n, { running: n === 0 ? 10 : 0, waits: n > 0 }))
    assert.equal(claimed(view([...many, video(99, { submitter: 'b' })]))[0], 99)
  })
})

describe('what is said of a deadline', () => {
  const forecast = (of: OrderView, n: number) => decideOrder(of, null).forecasts.get(id(n))

  test('is when it is done, behind those before it', () => {
    const of = view([1, 2].map((n) => video(n, { deadline: NOW + (10 + n) * MIN })))
    assert.deepEqual(forecast(of, 1), { done_at: NOW + 60_000, more: 0 })
    assert.deepEqual(forecast(of, 2), { done_at: NOW + 120_000, more: 0 })
  })

  test('is how many workers like the fastest would hold it', () => {
    const of = view([video(1, { deadline: NOW + 10 * MIN, work_s: 20 * 60 })])
    assert.deepEqual(forecast(of, 1), { done_at: NOW + 20 * MIN, more: 4 })
  })

  test('is that none would, where a single chunk takes longer, or nobody can encode it', () => {
    const of = view([
      video(1, { deadline: NOW + 5_000 }),
      video(2, { deadline: NOW + MIN, work_s: Number.POSITIVE_INFINITY }),
    ])
    assert.equal(forecast(of, 1)?.more, null)
    assert.deepEqual(forecast(of, 2), { done_at: null, more: null })
  })
})

describe('nobody starves', () => {
  const deadlines = fc.option(
    fc.integer({ min: -60, max: 30 }).map((minutes) => NOW + minutes * MIN),
    { nil: null },
  )
  const some = fc.array(
    fc.record({ deadline: deadlines, work_s: fc.integer({ min: 1, max: 3_600 }), submitter: fc.constantFrom('a', 'b', 'c') }),
    { minLength: 1, maxLength: 12 },
  ) // biome-ignore format: two lines

  /**
   * A mesh of one slot whose every claim takes a step, while new videos with deadlines that can be held come all the time. Answers in which step
   * each of the first videos was claimed.
   */
  function claims(first: readonly OpenVideo[], steps: number): Map<VideoId, number> {
    const when = new Map<VideoId, number>()
    let [past, open] = [null as OrderPast | null, [...first]]
    for (let step = 0; step < steps && when.size < first.length; step++) {
      const now = NOW + step * 10_000
      open.push(video(1_000 + step, { deadline: now + 60 * MIN, place: now, work_s: 10, submitter: 'stream' }))
      const of = { ...view(open, now), slots: 1 }
      const decision = decideOrder(of, past)
      past = decision.past
      const next = open.reduce((least, one) => (decision.keys.get(one.id)! < decision.keys.get(least.id)! ? one : least))
      if (first.some((one) => one.id === next.id)) when.set(next.id, step)
      // It runs until the next decision.
      open = open.filter((one) => one.running === 0).map((one) => (one === next ? { ...one, running: 1, waits: false } : one))
    }
    return when
  } // biome-ignore format: a simulation

  test('whatever waits is claimed, however many deadlines come', () => {
    fc.assert(
      fc.property(some, (given) => {
        const first = given.map((one, n) => video(n, one))
        // A deadline that can be held may wait until its latest start, half an hour or 180 steps away.
        const steps = 180 + Math.ceil((2 * (first.length + 1)) / REST_SHARE)
        assert.equal(claims(first, steps).size, first.length)
      }),
    )
  })

  test('those without a deadline have their share of the slots, and no more while deadlines wait', () => {
    const first = Array.from({ length: 40 }, (_, n) => video(n))
    const { size } = claims(first, 200)
    assert.ok(size >= 200 * REST_SHARE - 4 && size <= 200 * REST_SHARE + 4, `${size} of 200`)
  })

  test('every key is in the band of its video, whatever is seen', () => {
    fc.assert(
      fc.property(some, (given) => {
        const bands = bandsOf(view(given.map((one, n) => video(n, one))), null)
        for (const [n, { deadline }] of given.entries())
          assert.ok(bands[n] === 'promoted' || (deadline === null) === (bands[n] === 'rest'))
      }),
    )
  })
})
