/** What people read about a deadline. Pure. */
import type { Forecast } from './forecast.ts'

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

/** What is said of a deadline (ms since 1970): `done about 17:20, 40 min to spare`. `clock` writes a time for people; `now`: ms since 1970. */
export function deadlineText(of: {
  readonly deadline: number
  readonly forecast: Forecast | null
  readonly like: string | null
  readonly now: number
  clock(ms: number): string
}): string {
  const { deadline, forecast, like, now, clock } = of
  const passed = now > deadline ? `missed by ${spanText(now - deadline)} so far` : null
  if (!forecast) return passed ?? 'whether it holds is known once it is planned'
  const { done_at, more } = forecast
  if (done_at === null) return lateText({ late_ms: null, more, like })
  const about = `done about ${clock(Math.max(done_at, now))}`
  if (passed !== null) return `${passed}, ${about}`
  if (done_at <= deadline) return `${about}, ${spanText(deadline - done_at)} to spare`
  return `${about}, ${lateText({ late_ms: done_at - deadline, more, like })}`
}
