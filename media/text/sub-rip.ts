/** Text with its looks as SubRip, which Matroska results hold. Pure. */
import { isPlain, type Sample } from './events.ts'
import { closeTags, openTags } from './face-tags.ts'

/** A text with its looks as players of SubRip read them: bold, italic, underlined, and a colour. */
export function subRipText({ text, styles }: Pick<Sample, 'text' | 'styles'>): string {
  const chars = [...text]
  let [out, at] = ['', 0]
  for (const run of styles.filter((each) => !isPlain(each)).sort((a, b) => a.from - b.from)) {
    if (run.from < at) continue
    const rgb = (run.color >>> 8).toString(16).padStart(6, '0')
    const color = rgb === 'ffffff' ? ['', ''] : [`<font color="#${rgb}">`, '</font>']
    const inner = `${openTags(run.face)}${chars.slice(run.from, run.to).join('')}${closeTags(run.face)}`
    out += `${chars.slice(at, run.from).join('')}${color[0]}${inner}${color[1]}`
    at = run.to
  }
  return out + chars.slice(at).join('')
}
