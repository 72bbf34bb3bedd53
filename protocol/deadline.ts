/**
 * Deadlines as people write them: a time (`2026-12-24T18:00+01:00`, `2026-12-24 18:00`, `2026-12-24`, `18:00`) or a duration (`40m`, `1h 30m`,
 * `PT1H30M`). Pure; a time without an offset is one of the time zone of this process.
 */
import { DEADLINE_MAX_MS } from './claim-order.ts'
import { UsageError } from './errors.ts'

const FIELD = { field: 'deadline' }

/** Throws `UsageError` for a deadline more than two years away, which the order of claims has no place for. Both are ms since 1970. */
export function checkDeadline(deadline: number, now: number): void {
  if (deadline - now > DEADLINE_MAX_MS) throw new UsageError('the deadline is more than two years away', FIELD)
  if (now - deadline > DEADLINE_MAX_MS) throw new UsageError('the deadline is more than two years past', FIELD)
}

const MINUTE = 60_000
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(s|secs?|seconds?)$/, 1_000],
  [/^(m|mins?|minutes?)$/, MINUTE],
  [/^(h|hrs?|hours?)$/, 60 * MINUTE],
  [/^(d|days?)$/, 1_440 * MINUTE],
  [/^(w|weeks?)$/, 7 * 1_440 * MINUTE],
]

/** A duration in ms. Throws `UsageError` for what is none, for none at all and for more than two years. */
export function parseDuration(text: string): number {
  const wrong = (why: string) => new UsageError(`${JSON.stringify(text)} is no duration${why}: write 40m, 1h30m or 2d`)
  const ms = sumOf(text.trim().toLowerCase())
  if (ms === null) throw wrong('')
  if (ms <= 0) throw wrong(' to be done in')
  if (ms > DEADLINE_MAX_MS) throw wrong(' of less than two years')
  return Math.round(ms)
}

/** The sum of numbers with units, in ms; null for another text. ISO 8601: `P1DT2H30M`, without months and years, whose length varies. */
function sumOf(text: string): number | null {
  const [, days = '', time] = /^p((?:\d+(?:\.\d+)?[dw])*)(?:t(.+))?$/.exec(text) ?? []
  const isIso = text.startsWith('p')
  if (isIso && days === '' && time === undefined) return null
  const plain = isIso ? days + (time ?? '') : text
  const parts = [...plain.matchAll(/\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*,?/gy)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== plain) return null
  let sum = 0
  let smallest = Number.POSITIVE_INFINITY
  for (const [, number, unit] of parts) {
    const factor = UNITS.find(([form]) => form.test(unit!))?.[1]
    // Each unit once, the largest first: `40m 1h` is more likely a slip than a sum.
    if (factor === undefined || factor >= smallest) return null
    smallest = factor
    sum += Number(number) * factor
  }
  return sum
}

const TIME =
  /^(?:(\d{4})-(\d\d)-(\d\d))?(?:(?:^|[T ])(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)? ?(Z|[+-]\d\d(?::?\d\d)?)?$/i

/** A time, ms since 1970, past or not. Throws `UsageError` for what is none, as `parseTime`. `now`: ms since 1970. */
export function readTime(text: string, now: number): number {
  const at = timeOf(text.trim(), now)
  if (at !== null) return at
  throw new UsageError(`${JSON.stringify(text)} is no time: write 2026-12-24T18:00+01:00, 2026-12-24 18:00 or 18:00`)
}

/**
 * A time, ms since 1970. A time of day is the next one; a day alone is its end. Throws `UsageError` for what is none, for one that is past or more than
 * two years away, and for one that a change of the clocks leaves out. `now`: ms since 1970.
 */
export function parseTime(text: string, now: number): number {
  const at = readTime(text, now)
  if (at <= now) throw new UsageError(`${JSON.stringify(text)} is past: a deadline must lie ahead`)
  if (at - now > DEADLINE_MAX_MS) throw new UsageError(`${JSON.stringify(text)} is more than two years away`)
  return at
}

function timeOf(text: string, now: number): number | null {
  const [whole, ...found] = TIME.exec(text) ?? []
  if (!whole) return null
  const [year, month, day, hour, minute, second = '0', offset] = found
  if (year === undefined) {
    if (hour === undefined || offset !== undefined) return null
    return timeOfDay([hour, minute, second].map(Number) as [number, number, number], now)
  }
  const [y, mo, d] = [Number(year), Number(month), Number(day)]
  // The end of a day is the start of the next.
  const [h, mi, s] = hour === undefined ? [24, 0, 0] : [Number(hour), Number(minute), Number(second)]
  const check = new Date(Date.UTC(y, mo - 1, d))
  const isDate = check.getUTCMonth() === mo - 1 && check.getUTCDate() === d
  if (!isDate || h > 24 || mi > 59 || s > 59 || (h === 24 && mi + s > 0)) return null
  if (offset === undefined) return local(text, [y, mo - 1, d, h, mi, s])
  const ahead = offsetMinutes(offset)
  return ahead === null ? null : Date.UTC(y, mo - 1, d, h, mi, s) - ahead * MINUTE
}

/** Minutes by which an offset is ahead of UTC; null for one that no place has. */
function offsetMinutes(offset: string): number | null {
  if (/^z$/i.test(offset)) return 0
  const digits = offset.replace(/\D/g, '').padEnd(4, '0')
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  if (Number(digits.slice(2)) > 59 || minutes > 14 * 60) return null
  return offset.startsWith('-') ? -minutes : minutes
}

type Parts = readonly [year: number, month: number, day: number, hour: number, minute: number, second: number]

/** A time of this zone. Of two, when clocks are set back, the first: a deadline is held in any case. */
function local(text: string, [y, mo, d, h, mi, s]: Parts): number {
  const at = new Date(y, mo, d, h, mi, s)
  if (at.getMinutes() !== mi || at.getHours() !== h % 24)
    throw new UsageError(`${JSON.stringify(text)} does not exist here: the clocks are set forward over it`)
  return at.getTime()
}

/** The next time of day, tomorrow where it is past; on a day whose clocks leave it out, the day after. */
function timeOfDay([h, mi, s]: readonly [number, number, number], now: number): number | null {
  if (h > 23 || mi > 59 || s > 59) return null
  const today = new Date(now)
  for (let ahead = 0; ahead <= 2; ahead++) {
    const at = new Date(today.getFullYear(), today.getMonth(), today.getDate() + ahead, h, mi, s)
    if (at.getTime() > now && at.getHours() === h && at.getMinutes() === mi) return at.getTime()
  }
  return null
}
