/** Times as WebVTT writes them. Pure. */

/** A time of WebVTT, `01:02:03.456`. `ms`: whole milliseconds from 0. */
export function cueTime(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
