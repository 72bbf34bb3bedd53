/** Text of a film as WebVTT files. Pure. W3C WebVTT. */
import { cueTime } from './cue-time.ts'
import type { Sample, StyleRun } from './events.ts'

/** The file of one track: its cues from the beginning of the results, without a map of clocks. */
export const webVtt = (samples: readonly Sample[]): string =>
  `WEBVTT\n\n${samples
    .filter(({ text }) => text !== '')
    .map(cue)
    .join('\n')}`

const cue = ({ start, end, text, styles }: Sample): string =>
  `${cueTime(start)} --> ${cueTime(end)}\n${marked(text, styles).replaceAll(/\n{2,}/g, '\n')}\n`

const MARKS: readonly (readonly [bit: number, tag: string])[] = [
  [1, 'b'],
  [2, 'i'],
  [4, 'u'],
]

/** The text with marks around what is bold, italic or underlined. */
function marked(text: string, styles: readonly StyleRun[]): string {
  const letters = [...text]
  const faceAt = (at: number) => styles.findLast(({ from, to }) => from <= at && at < to)?.face ?? 0
  let [out, face] = ['', 0]
  for (const [at, letter] of letters.entries()) {
    const next = faceAt(at)
    if (next !== face) out += `${tags(face, true)}${tags(next, false)}`
    face = next
    out += escaped(letter)
  }
  return out + tags(face, true)
}

function tags(face: number, isEnd: boolean): string {
  const names = MARKS.filter(([bit]) => (face & bit) !== 0).map(([, tag]) => tag)
  return isEnd
    ? names
        .reverse()
        .map((name) => `</${name}>`)
        .join('')
    : names.map((name) => `<${name}>`).join('')
}

const escaped = (letter: string): string =>
  letter === '&' ? '&amp;' : letter === '<' ? '&lt;' : letter === '>' ? '&gt;' : letter
