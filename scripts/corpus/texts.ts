/**
 * Whether the same texts are on the screen at the same times, however they are cut into events: an MP4 has one line of time, where
 * texts that overlap in the source become events that show both. Marks of style count for nothing.
 */
import type { Cue } from '../../testing/sources/read.ts'

/** Differences shorter than this are rounding. */
const SHORT_S = 0.06

/** One sentence for each track that is missing or shows something else, with the first time when it does. */
export function compareTexts(
  wanted: readonly (readonly Cue[])[],
  got: readonly (readonly Cue[])[],
  end_s: number,
): string[] {
  if (got.length < wanted.length) return [`${got.length} subtitle tracks in place of ${wanted.length}`]
  return wanted.flatMap((cues, at) => {
    const wrong = firstDifference(cues, got[at] ?? [], end_s)
    return wrong === null ? [] : [`subtitles ${at + 1}: ${wrong}`]
  })
}

function firstDifference(wanted: readonly Cue[], got: readonly Cue[], end_s: number): string | null {
  const borders = [0, end_s, ...[...wanted, ...got].flatMap(({ start_s, end_s: to_s }) => [start_s, to_s])]
    .filter((at_s) => at_s >= 0 && at_s <= end_s)
    .toSorted((a, b) => a - b)
  for (const [at, from_s] of borders.entries()) {
    const to_s = borders[at + 1] ?? from_s
    if (to_s - from_s < SHORT_S) continue
    const [is, was] = [got, wanted].map((cues) => shownAt(cues, (from_s + to_s) / 2))
    if (is !== was) return `${is || 'nothing'} in place of ${was || 'nothing'} at ${from_s.toFixed(2)} s`
  }
  return null
}

/** The lines on the screen, in the order of the alphabet: which stands above is the player's choice. */
function shownAt(cues: readonly Cue[], at_s: number): string {
  const due = cues.filter(({ start_s, end_s }) => start_s <= at_s && at_s < end_s)
  const lines = due.flatMap(({ text }) => text.replace(/<[^>]*>|\{\\[^}]*\}/g, '').split(/\r?\n|\\N/))
  return [...new Set(lines.map((line) => line.trim()))]
    .filter((line) => line !== '')
    .toSorted()
    .map((line) => `"${line}"`)
    .join(' ')
}
