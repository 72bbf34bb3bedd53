import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { parseDuration, parseTime } from './deadline.ts'
import { UsageError } from './errors.ts'

const MINUTE = 60_000
const zone = process.env.TZ
after(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})
/** A time in a zone; `now` is before it. */
function inZone(tz: string, text: string, now: string): string {
  process.env.TZ = tz
  return new Date(parseTime(text, Date.parse(now))).toISOString()
}
const refused = (act: () => unknown, says: RegExp) =>
  assert.throws(
    act,
    (error: unknown) => error instanceof UsageError && says.test(error.message) && !error.message.includes('\n'),
  )

describe('a duration', () => {
  test('has one or several units, the largest first', () => {
    const cases = {
      '40m': 40, '90s': 1.5, '1h30m': 90, '1h 30m': 90, '1 hour 30 minutes': 90, '2d': 2_880, '1d, 2h': 1_560, '1w': 10_080, '1.5h': 90,
      '40 min': 40, PT40M: 40, PT1H30M: 90, P1DT2H: 1_560, P2D: 2_880, ' 5M ': 5,
    } // biome-ignore format: a list
    for (const [text, minutes] of Object.entries(cases)) assert.equal(parseDuration(text), minutes * MINUTE, text)
  })

  test('is none without a number, a unit or any length, and not for longer than two years', () => {
    for (const text of [
      '',
      '40',
      'm',
      '-5m',
      '0m',
      '40m 1h',
      '1h 1h',
      '3 fortnights',
      'soon',
      'P',
      'PT',
      'P1Y',
      '1h30',
      '999w',
      '1e9d',
    ])
      refused(() => parseDuration(text), /is no duration/)
  })

  test('of hours, minutes and seconds is their sum', () => {
    const [hours, minutes] = [fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 59 })]
    fc.assert(fc.property(hours, minutes, (h, m) => assert.equal(parseDuration(`${h}h${m}m`), (60 * h + m) * MINUTE)))
  })
})

describe('a time', () => {
  test('with an offset is the same everywhere', () => {
    for (const tz of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
      for (const text of [
        '2026-12-24T18:00+01:00',
        '2026-12-24T17:00Z',
        '2026-12-24 18:00 +01:00',
        '2026-12-24T18:00:00.000+0100',
        '2026-12-24t18:00+01',
      ])
        assert.equal(inZone(tz, text, '2026-12-01T00:00Z'), '2026-12-24T17:00:00.000Z')
    }
  })

  test('without an offset is one of this zone, in summer and in winter', () => {
    assert.equal(inZone('Europe/Berlin', '2026-12-24T18:00', '2026-12-01T00:00Z'), '2026-12-24T17:00:00.000Z')
    assert.equal(inZone('Europe/Berlin', '2026-07-24 18:00', '2026-07-01T00:00Z'), '2026-07-24T16:00:00.000Z')
    assert.equal(inZone('Asia/Kolkata', '2026-07-24 18:00', '2026-07-01T00:00Z'), '2026-07-24T12:30:00.000Z')
  })

  test('that the clocks leave out is refused; of two, when they are set back, it is the first', () => {
    refused(() => inZone('Europe/Berlin', '2026-03-29T02:30', '2026-03-01T00:00Z'), /does not exist here/)
    assert.equal(inZone('Europe/Berlin', '2026-10-25T02:30', '2026-10-01T00:00Z'), '2026-10-25T00:30:00.000Z')
    assert.equal(inZone('Europe/Berlin', '2026-10-25T02:30+01:00', '2026-10-01T00:00Z'), '2026-10-25T01:30:00.000Z')
  })

  test('of day is the next one, also on a day of 23 or 25 hours, and after one that is left out', () => {
    assert.equal(inZone('Europe/Berlin', '18:00', '2026-12-24T10:00Z'), '2026-12-24T17:00:00.000Z')
    assert.equal(inZone('Europe/Berlin', '9:30', '2026-12-24T10:00Z'), '2026-12-25T08:30:00.000Z')
    assert.equal(inZone('Europe/Berlin', '23:30', '2026-03-28T23:00Z'), '2026-03-29T21:30:00.000Z')
    assert.equal(inZone('Europe/Berlin', '02:30', '2026-03-28T20:00Z'), '2026-03-30T00:30:00.000Z')
    assert.equal(inZone('Europe/Berlin', '12:00', '2026-10-24T22:30Z'), '2026-10-25T11:00:00.000Z')
  })

  test('that is a day alone is its end, of whatever length it is', () => {
    assert.equal(inZone('Europe/Berlin', '2026-12-24', '2026-12-01T00:00Z'), '2026-12-24T23:00:00.000Z')
    assert.equal(inZone('Europe/Berlin', '2026-10-25', '2026-10-01T00:00Z'), '2026-10-25T23:00:00.000Z')
  })

  test('that is past, far away or none is refused in one sentence', () => {
    const now = Date.parse('2026-12-01T00:00Z')
    refused(() => parseTime('2020-01-01T00:00Z', now), /is past/)
    refused(() => parseTime('2066-01-01T00:00Z', now), /two years/)
    for (const text of [
      '',
      'tomorrow',
      '2026-13-01',
      '2026-02-30 10:00',
      '25:00',
      '18:60',
      '2026-12-24T18:00+25:00',
      '18',
      '2026-12-24T24:01',
      '18:00Z',
      '1700000000',
    ])
      refused(() => parseTime(text, now), /is no time/)
  })
})
