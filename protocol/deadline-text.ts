/** What people read about a deadline. Pure. */
import type { Forecast } from './forecast.ts'
import type { VideoRow } from './status.ts'

/** A length of time, ms, as people say it: `40 s`, `12 min`, `2 h 5 min`, `3 days`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return `${minutes} min`
  if (minutes >= 48 * 60) return `${Math.round(minutes / 1440)} days`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** What is said of a deadline that will be missed. `late_ms`: by how much; null where no peer can encode the video. */
export function lateText(late: {
  readonly late_ms: number | null
  readonly more: number | null
  readonly like: string | null
}): string {
  const { late_ms, more, like } = late
  if (late_ms === null) return 'no peer that is here can encode it'
  const remedy =
    more === null
      ? 'no number of workers would hold it'
      : `${more} more worker${more === 1 ? '' : 's'} like ${like ?? 'those here'} would hold it`
  return `${spanText(late_ms)} late: ${remedy}`
}

/** A time, ms since 1970, as a clock here shows it: `17:20`, with its day where that is another than the day of `now`. */
export function clockText(ms: number, now: number): string {
  const two = (number: number) => String(number).padStart(2, '0')
  const dayOf = (at: Date) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const [at, today] = [new Date(ms), new Date(now)]
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`
  return dayOf(at) === dayOf(today) ? time : `${dayOf(at)} ${time}`
}

/** What is said of a deadline (ms since 1970): `done about 17:20, 40 min to spare`, by the clock here. `now`: ms since 1970. */
export function deadlineText(of: {
  readonly deadline: number
  readonly forecast: Forecast | null
  readonly like: string | null
  readonly now: number
}): string {
  const { deadline, forecast, like, now } = of
  const passed = now > deadline ? `missed by ${spanText(now - deadline)} so far` : null
  if (!forecast) return passed ?? 'whether it holds is known once it is planned'
  const { done_at, more } = forecast
  if (done_at === null) return lateText({ late_ms: null, more, like })
  const about = `done about ${clockText(Math.max(done_at, now), now)}`
  if (passed !== null) return `${passed}, ${about}`
  if (done_at <= deadline) return `${about}, ${spanText(deadline - done_at)} to spare`
  return `${about}, ${lateText({ late_ms: done_at - deadline, more, like })}`
}

/** What a row says of its deadline, by the clock here; null where it has none or is not open. `now`: ms since 1970. */
export function rowDeadlineText(
  { deadline, forecast }: Pick<VideoRow, 'deadline' | 'forecast'>,
  now: number,
): string | null {
  // An older peer answers neither.
  if (deadline == null || !forecast) return null
  const { done_at, more, like } = forecast
  // Unknown until it is planned, and until the leader has decided.
  const known = done_at !== null || like !== null ? { done_at, more } : null
  return deadlineText({ deadline, forecast: known, like, now })
}
