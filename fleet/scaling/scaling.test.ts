import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { TaskId } from '../../protocol/ids.ts'
import { ASSUMED_S } from '../../protocol/limits.ts'
import { DEFAULT_NAMES } from '../../protocol/recipe.ts'
import { DAY_S, type Moment, seeded, simulateDay, studioDay } from '../../testing/scaling-day.ts'
import {
  decideScaling,
  needOf,
  type ScalingPast,
  type ScalingRules,
  type ScalingView,
  type StaticWorker,
  spread,
  subsets,
  workSeconds,
} from './scaling.ts'
import { type Calibration, calibrate, secondsFor } from './scaling-speed.ts'

const RULES: ScalingRules = { min: 0, max: 8, target_s: 600, cooldown_s: 300 }
const view = (change: Partial<ScalingView> = {}): ScalingView => ({
  now: 1_000_000,
  pending: new Map(),
  unplanned: 0,
  static: [],
  wanted: 0,
  ...change,
})
const waiting = (seconds: number) => new Map([['1080p', seconds]])
const able = (slots: number, ...renditions: string[]): StaticWorker => ({ slots, renditions })
const slotsFor = (some: readonly string[], workers: readonly StaticWorker[]) =>
  workers
    .filter(({ renditions }) => renditions === 'all' || renditions.some((id) => some.includes(id)))
    .reduce((sum, { slots }) => sum + slots, 0)
/** Beside the default ladder one of another codec and one that nobody expects. */
const NAMES = [...DEFAULT_NAMES, '1080p-hevc', '333p']

const rules = fc
  .record({
    min: fc.nat(5),
    more: fc.nat(40),
    target_s: fc.integer({ min: 10, max: 7_200 }),
    cooldown_s: fc.integer({ min: 1, max: 900 }),
  })
  .map(({ more, ...rest }) => ({ ...rest, max: rest.min + more }))
const views = fc.record({
  now: fc.nat(10_000_000),
  pending: fc.tuple(...NAMES.map(() => fc.nat(400_000))).map((all) => new Map(NAMES.map((id, at) => [id, all[at]!]))),
  unplanned: fc.nat(5),
  static: fc.array(fc.record({ slots: fc.nat(5), renditions: fc.oneof(fc.constant('all' as const), fc.subarray(NAMES)) }), { maxLength: 4 }),
  wanted: fc.nat(40),
}).map((change) => view(change)) // biome-ignore format: a list

describe('what is wanted', () => {
  test('has a reason', () => {
    const cases: [Partial<ScalingView>, Partial<ScalingRules>, number, string][] = [
      [{}, {}, 0, 'nothing waits'],
      [{ pending: waiting(1_200) }, {}, 2, '20 min of work in 10 min takes 2'],
      [
        { pending: waiting(1_200), static: [able(1, ...DEFAULT_NAMES)] },
        {},
        1,
        '20 min of work in 10 min takes 2, static workers have 1',
      ],
      [{ pending: waiting(60_000) }, {}, 8, '16.7 h of work in 10 min takes 100, at most 8 allowed'],
      [{}, { min: 2 }, 2, 'nothing waits, at least 2 asked for'],
      [
        { pending: waiting(1_200), dated: [{ left_s: 300, pending: waiting(1_200) }] },
        {},
        4,
        '20 min of work before a deadline in 5 min takes 4',
      ],
      [
        {
          pending: waiting(1_200),
          dated: [
            { left_s: 30, pending: waiting(600) },
            { left_s: 3_600, pending: waiting(600) },
          ],
        },
        {},
        2,
        '20 min of work in 10 min takes 2',
      ],
      [{ unplanned: 1 }, {}, 1, '1 video not yet planned in 10 min takes 1'],
      [{ wanted: 3 }, {}, 3, 'nothing waits; the others stay 5 min more'],
    ]
    for (const [change, more, wanted, reason] of cases) {
      const decision = decideScaling(view(change), { ...RULES, ...more }, [])
      assert.deepEqual([decision.wanted, decision.reason], [wanted, reason])
    }
  })

  test('is never less with deadlines than without, and enough for what is due at each and before it', () => {
    const dated = fc.array(fc.record({ left_s: fc.integer({ min: 60, max: 7_200 }), work: fc.nat(40_000) }), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(rules, dated, (given, some) => {
        const sorted = some.toSorted((a, b) => a.left_s - b.left_s)
        const seen = view({ pending: waiting(some.reduce((sum, { work }) => sum + work, 0)) })
        const { need } = needOf(
          { ...seen, dated: sorted.map(({ left_s, work }) => ({ left_s, pending: waiting(work) })) },
          given,
        )
        assert.ok(need >= needOf(seen, given).need)
        let due = 0
        for (const { left_s, work } of sorted) {
          due += work
          assert.ok(need * left_s >= due || due === 0)
        }
      }),
    )
  })

  test('is between minimum and maximum, whatever is seen', () => {
    fc.assert(fc.property(rules, fc.array(views, { minLength: 1, maxLength: 30 }), (given, seen) => {
      let past: ScalingPast = []
      for (const one of seen.sort((a, b) => a.now - b.now)) {
        const decision = decideScaling(one, given, past)
        past = decision.past
        assert.ok(decision.wanted >= given.min && decision.wanted <= given.max)
        assert.notEqual(decision.reason, '')
      }
    })) // biome-ignore format: one property
  })

  test('more work never wants fewer, faster workers never more', () => {
    fc.assert(fc.property(rules, views, fc.nat(100_000), fc.integer({ min: 1, max: 10 }), (given, one, more, faster) => {
      const need = needOf(one, given).need
      const pending = new Map([...one.pending, ...waiting((one.pending.get('1080p') ?? 0) + more)])
      assert.ok(needOf({ ...one, pending }, given).need >= need)
      const less = new Map([...one.pending].map(([id, seconds]) => [id, seconds / faster]))
      assert.ok(needOf({ ...one, pending: less }, given).need <= need)
    })) // biome-ignore format: one property
  })

  test('covers the work in the target time where the maximum allows, each set of renditions by those who encode some of it', () => {
    fc.assert(fc.property(rules, views, (given, one) => {
      const { wanted } = decideScaling(one, given, [])
      for (const some of subsets(NAMES)) {
        const slots = wanted + slotsFor(some, one.static)
        assert.ok(wanted === given.max || slots * given.target_s >= workSeconds(one, some), some.join())
      }
    })) // biome-ignore format: one property
  })

  test('is no more than the static workers leave: with one fewer some set of renditions would be late', () => {
    fc.assert(fc.property(rules, views, (given, one) => {
      const { need } = needOf({ ...one, unplanned: 0 }, given)
      const isLate = (some: string[]) => (need - 1 + slotsFor(some, one.static)) * given.target_s < workSeconds(one, some)
      assert.ok(need === 0 || subsets(NAMES).some(isLate))
    })) // biome-ignore format: one property
  })

  test('counts a static worker for the renditions that it encodes, and for no others', () => {
    const eighteen = { pending: new Map([['480p', 60], ['1080p', 1_080]]) } // biome-ignore format: a list
    const cases: [StaticWorker[], number, string][] = [
      [[able(1, '480p'), able(1, '480p')], 2, '18 min of work at 1080p in 10 min takes 2'],
      [[able(2, '480p'), able(1, '1080p')], 1, '18 min of work at 1080p in 10 min takes 2, static workers have 1'],
      [[able(1, '480p'), able(2, '1080p')], 0, '19 min of work in 10 min takes 2, static workers have 3'],
      [[able(9, '720p')], 2, '19 min of work in 10 min takes 2'],
    ]
    for (const [workers, need, why] of cases)
      assert.deepEqual(needOf(view({ ...eighteen, static: workers }), RULES), { need, why })
  })

  test('does not flap: after a rise at least the cooldown passes before a fall', () => {
    const steps = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 200 }), work: fc.nat(20_000) }), {
      minLength: 2,
      maxLength: 80,
    })
    fc.assert(fc.property(rules, steps, (given, walk) => {
      let [now, wanted, past, rose] = [0, given.min, [] as ScalingPast, Number.NEGATIVE_INFINITY]
      for (const { gap, work } of walk) {
        now += gap * 1000
        const decision = decideScaling(view({ now, pending: waiting(work), wanted }), given, past)
        if (decision.wanted > wanted) rose = now
        if (decision.wanted < wanted) assert.ok(now - rose >= given.cooldown_s * 1000, `fell ${now - rose} ms after a rise`)
        wanted = decision.wanted
        past = decision.past
      }
    })) // biome-ignore format: one property
  })

  test('falls to the need once the cooldown has passed', () => {
    const high = decideScaling(view({ pending: waiting(3_000) }), RULES, [])
    assert.equal(high.wanted, 5)
    const soon = decideScaling(view({ now: 1_000_000 + 299_000, wanted: 5 }), RULES, high.past)
    assert.equal(soon.wanted, 5)
    assert.equal(decideScaling(view({ now: 1_000_000 + 300_000, wanted: 5 }), RULES, soon.past).wanted, 0)
  })

  test('a need of yesterday counts within a cooldown of a day, and the past stays short', () => {
    const given = { ...RULES, cooldown_s: 86_400 }
    let { past, wanted } = decideScaling(view({ now: 0, pending: waiting(3_000) }), given, [])
    for (let s = 5; s < 86_400; s += 5) {
      const pending = waiting(s % 2 === 0 ? 1_200 : 600)
      ;({ past, wanted } = decideScaling(view({ now: s * 1000, pending, wanted }), given, past))
      assert.equal(wanted, 5, `fell after ${s} s`)
      assert.ok(past.length <= given.max, `${past.length} needs are kept`)
    }
    assert.equal(decideScaling(view({ now: 86_400_000, wanted }), given, past).wanted, 2)
  })

  test('a new leader keeps what it finds for one cooldown', () => {
    const found = decideScaling(view({ wanted: 4 }), RULES, [])
    assert.equal(found.wanted, 4)
    assert.equal(decideScaling(view({ now: 1_000_000 + 300_000, wanted: 4 }), RULES, found.past).wanted, 0)
  })
})

describe('engines', () => {
  test('share evenly, lose none, and the same way every time', () => {
    fc.assert(fc.property(fc.nat(50), fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }), (wanted, engines) => {
      const shares = spread(wanted, engines)
      const counts = [...shares.values()]
      assert.equal(counts.reduce((sum, n) => sum + n, 0), wanted)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
      assert.deepEqual(shares, spread(wanted, [...engines].reverse()))
    })) // biome-ignore format: one property
  })
})

describe('measured costs', () => {
  const running = (part: string, speed: number, done = 0.5) => ({
    task: `00000000000000aa/${part}/00003` as TaskId,
    attempt: 1,
    done,
    speed,
  })
  const ladder = [
    { id: '480p', cost: 0.41, preset: 'medium', class: 'h264>x264/480p' },
    { id: '333p', cost: 0.2, preset: 'medium', class: 'h264>x264/333p' },
    { id: '1080p', cost: 2.07, preset: 'medium', class: 'h264>x264/1080p' },
    { id: '1080p-hevc', cost: 9, preset: 'medium', class: 'h264>x265-199/1080p-hevc' },
  ]
  const renditionOf = (_video: string, id: string) => ladder.find((each) => each.id === id) ?? null
  const unmeasured: Calibration = new Map()

  test('come to what is measured, and one ffmpeg counts once for the renditions that share it', () => {
    let measured = unmeasured
    for (let n = 0; n < 200; n++)
      measured = calibrate(measured, [[running('480p', 0.5), running('333p', 0.5), running('1080p', 0.5)]], renditionOf)
    const sum = ladder.slice(0, 3).reduce((all, each) => all + secondsFor(measured, each), 0)
    assert.ok(Math.abs(sum - 2) < 0.01, `one source second takes ${sum} s`)
    assert.equal(secondsFor(measured, ladder[3]!), 9 * ASSUMED_S)
  })

  test('come half of the way at the first measurement, nine tenths after nine, and a slow chunk later counts little', () => {
    const looks = (from: Calibration, count: number, speed: number) =>
      Array.from({ length: count }).reduce<Calibration>(
        (measured) => calibrate(measured, [[running('1080p-hevc', speed)]], renditionOf),
        from,
      )
    const cost = (measured: Calibration) => secondsFor(measured, ladder[3]!)
    const assumed = 9 * ASSUMED_S
    assert.ok(Math.abs(cost(looks(unmeasured, 1, 0.05)) - (assumed + 20) / 2) < 0.01)
    const nine = (assumed + 9 * 20) / 10
    assert.ok(Math.abs(cost(looks(unmeasured, 9, 0.05)) - nine) < 0.01)
    const peers = Array.from({ length: 9 }, () => [running('1080p-hevc', 0.05)])
    assert.ok(Math.abs(cost(calibrate(unmeasured, peers, renditionOf)) - nine) < 0.01, 'of nine peers at once as well')
    const known = looks(unmeasured, 200, 0.05)
    assert.ok(cost(looks(known, 1, 0.025)) < 21.1)
  })

  test('of one codec and preset say nothing of another', () => {
    let measured = unmeasured
    for (let n = 0; n < 200; n++) measured = calibrate(measured, [[running('1080p-hevc', 0.05)]], renditionOf)
    assert.ok(Math.abs(secondsFor(measured, ladder[3]!) - 20) < 0.1)
    assert.equal(secondsFor(measured, ladder[2]!), 2.07 * ASSUMED_S)
  })

  test('are left alone by what has just begun, stands still, or is no encode', () => {
    const idle = [running('480p', 0), running('333p', 3, 0.01), running('audio', 9), running('4320p', 2)]
    for (const one of idle) assert.deepEqual(calibrate(unmeasured, [[one], []], renditionOf), unmeasured)
  })
})

describe('a day of a studio', () => {
  const given: ScalingRules = { min: 1, max: 12, target_s: 600, cooldown_s: 300 }
  const day = (seed: number): Moment[] => {
    const random = seeded(seed)
    return simulateDay({ rules: given, arrivals: studioDay(random), cost: 3, noise: 0.2, startup_s: 10, random })
  }

  test('work waits no longer than twice the target, but for what the maximum keeps waiting', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const late = day(seed).filter(
        ({ work, wanted }) => wanted < given.max && work > 2 * given.target_s * Math.max(1, wanted),
      )
      assert.deepEqual(late, [], `seed ${seed}`)
    }
  })

  test('the night is spent at the minimum, and the number changes fewer than 15 times an hour', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const moments = day(seed)
      const changes = moments.filter(({ wanted }, at) => at > 0 && wanted !== moments[at - 1]!.wanted).length
      assert.ok(changes < 24 * 15, `seed ${seed}: ${changes} changes`)
      const paid = moments.reduce((sum, { wanted }) => sum + wanted, 0) / moments.length
      assert.ok(paid < given.max / 2, `seed ${seed}: ${paid} workers on average`)
      assert.equal(moments.at(-1)!.at, DAY_S - 5)
    }
  })
})
