/** Text of a film as WebVTT files. Pure. W3C WebVTT. */
import { cueTime } from './cue-time.ts'
import type { Sample, StyleRun } from './events.ts'
import { closeTags, openTags } from './face-tags.ts'

/** The file of one track: its cues from the beginning of the results, without a map of clocks. */
export const webVtt = (samples: readonly Sample[]): string =>
  `WEBVTT\n\n${samples
    .filter(({ text }) => text !== '')
    .map(cue)
    .join('\n')}`

const cue = ({ start, end, text, styles }: Sample): string =>
  `${cueTime(start)} --> ${cueTime(end)}\n${marked(text, styles).replaceAll(/\n{2,}/g, '\n')}\n`

/** The text with marks around what is bold, italic or underlined. */
function marked(text: string, styles: readonly StyleRun[]): string {
  const letters = [...text]
  const faceAt = (at: number) => styles.findLast(({ from, to }) => from <= at && at < to)?.face ?? 0
  let [out, face] = ['', 0]
  for (const [at, letter] of letters.entries()) {
    const next = faceAt(at)
    if (next !== face) out += closeTags(face) + openTags(next)
    face = next
    out += escaped(letter)
  }
  return out + closeTags(face)
}

const escaped = (letter: string): string =>
  letter === '&' ? '&amp;' : letter === '<' ? '&lt;' : letter === '>' ? '&gt;' : letter
