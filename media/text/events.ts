/**
 * Text events and the samples that MP4 needs of them: one line of time, without gaps or overlaps. Pure; all times are ms of the film.
 *
 * What is due at the same time is shown in one sample, a line each: texts at the top of the picture first, then those that began earlier.
 */

/** A look that MP4 text can have, for characters `[from, to)` of a text (Unicode code points). */
export interface StyleRun {
  readonly from: number
  readonly to: number
  /** Bits: 1 bold, 2 italic, 4 underlined. */
  readonly face: number
  /** Size relative to the usual one of the track, percent. */
  readonly size: number
  /** 0xRRGGBBAA. */
  readonly color: number
}

/** One text on the screen, from `start` to `end`, ms. */
export interface TextEvent {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly styles: readonly StyleRun[]
  /** Where in the picture: 0 top, 1 middle, 2 bottom. */
  readonly place: 0 | 1 | 2
}

/** Whether a run looks as text does without a style: white, upright, of the usual size. */
export const isPlain = ({ face, size, color }: StyleRun): boolean => face === 0 && size === 100 && color === 0xffffffff

/** What is shown from `start` to `end`, ms; nothing where `text` is empty. */
export type Sample = Omit<TextEvent, 'place'>

/** The samples of a track, and how many events it could not take because too many were due at the same time. */
export interface Timeline {
  readonly samples: readonly Sample[]
  readonly crowded: number
}

/** Events shown at once. A screen holds no more, and a hostile track would otherwise grow with the square of its events. */
const AT_ONCE_MAX = 32
/** Characters of a sample: at 4 bytes each they stay below the 65,535 bytes that a sample of MP4 text can have. */
const SAMPLE_CHARS_MAX = 16_000

interface Placed extends TextEvent {
  readonly order: number
}

/**
 * Cuts events to `[0, end)` and into samples that cover all of it. At each moment the lines of a sample are the texts due then, each
 * once. Events that meet without overlapping stay samples of their own.
 */
export function timelineOf(events: readonly TextEvent[], end: number): Timeline {
  const placed = events
    .map((event, order) => ({ ...event, start: Math.max(0, event.start), end: Math.min(end, event.end), order }))
    .filter((event) => event.start < event.end)
    .sort((a, b) => a.start - b.start || a.order - b.order)
  const samples: Sample[] = []
  let [next, crowded, at] = [0, 0, 0]
  let due: Placed[] = []
  while (at < end) {
    const before = due
    if (due.some((event) => event.end <= at)) due = due.filter((event) => event.end > at)
    for (; placed[next] && placed[next]!.start <= at; next++) {
      if (due.length < AT_ONCE_MAX) due = [...due, placed[next]!]
      else crowded++
    }
    const until = due.reduce((soonest, event) => Math.min(soonest, event.end), placed[next]?.start ?? end)
    const last = samples.at(-1)
    const shown = last && due === before ? last : together(due, at, until)
    const goesOn = last?.text === shown.text && (shown.text === '' || due.some((event) => before.includes(event)))
    if (last && goesOn) samples[samples.length - 1] = { ...last, end: until }
    else samples.push(shown)
    at = until
  }
  return { samples, crowded }
}

/** The texts of events in one sample, each text once. */
function together(due: readonly Placed[], start: number, end: number): Sample {
  const known = new Set<string>()
  const styles: StyleRun[] = []
  let [text, length] = ['', 0]
  for (const event of [...due].sort((a, b) => a.place - b.place || a.start - b.start || a.order - b.order)) {
    const chars = [...event.text].length
    if (known.has(event.text) || length + chars + 1 > SAMPLE_CHARS_MAX) continue
    const from = known.size === 0 ? 0 : length + 1
    known.add(event.text)
    text += from === 0 ? event.text : `\n${event.text}`
    styles.push(...event.styles.map((run) => ({ ...run, from: run.from + from, to: run.to + from })))
    length = from + chars
  }
  return { start, end, text, styles }
}

/**
 * Ends of events that have none (`end: null`): the beginning of the next, or `end`. An event of no length is dropped, except in a
 * track where most have none: there the length is what is missing.
 */
export function withEnds<Event extends { readonly start: number; readonly end: number | null }>(
  events: readonly Event[],
  end: number,
): (Event & { readonly end: number })[] {
  const endless = events.filter((event) => event.end !== null && event.end <= event.start).length
  const isUnset = (event: Event) => event.end === null || (endless * 2 > events.length && event.end <= event.start)
  const starts = [...new Set(events.map(({ start }) => start))].sort((a, b) => a - b)
  const nextAfter = new Map(starts.map((start, at) => [start, starts[at + 1] ?? end]))
  return events
    .map((event) => ({ ...event, end: isUnset(event) ? nextAfter.get(event.start)! : event.end! }))
    .filter((event) => event.end > event.start)
}
