/** Numbers and times as people read them, in their time zone. Pure but for the zone. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit', second: '2-digit' })
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' })
const DAY_MS = 86_400_000

/** 14:05:09 of today, else Nov 29, 14:05. */
export const timeText = (at: number, now = Date.now()): string =>
  Math.abs(now - at) < DAY_MS / 2 ? CLOCK.format(at) : DAY.format(at)

/** 75 → 1:15; 3675 → 1:01:15. */
export function spanText(seconds: number): string {
  const [s, m, h] = [seconds % 60, (seconds / 60) % 60, seconds / 3600].map(Math.floor) as [number, number, number]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** 1 chunk, 2 chunks. */
export const countText = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

export const percentText = (share: number): string => `${Math.floor(share * 100)} %`
/** How fast, against real time. */
export const speedText = (speed: number): string => `${speed.toFixed(speed < 10 ? 2 : 1)}×`

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']
/** 6_200_000 → 6.2 MB. */
export function bytesText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1)
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}

/** The names of statuses of a video for people. */
export const STATUS_WORDS: Readonly<Record<string, string>> = {
  QUEUED: 'waits',
  PLANNING: 'is being read',
  RUNNING: 'encoding',
  MERGING: 'merging',
  COMPLETED: 'done',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
}
