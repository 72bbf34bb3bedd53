/** Text with its looks as SubRip, which Matroska results hold. Pure. */
import { isPlain, type Sample } from './events.ts'

/** A text with its looks as players of SubRip read them: bold, italic, underlined, and a colour. */
export function subRipText({ text, styles }: Pick<Sample, 'text' | 'styles'>): string {
  const chars = [...text]
  let [out, at] = ['', 0]
  for (const run of styles.filter((each) => !isPlain(each)).sort((a, b) => a.from - b.from)) {
    if (run.from < at) continue
    const tags = ['b', 'i', 'u'].filter((_, bit) => (run.face & (1 << bit)) !== 0)
    const rgb = (run.color >>> 8).toString(16).padStart(6, '0')
    const color = rgb === 'ffffff' ? ['', ''] : [`<font color="#${rgb}">`, '</font>']
    const open = tags.map((tag) => `<${tag}>`).join('')
    const close = tags
      .map((tag) => `</${tag}>`)
      .reverse()
      .join('')
    out += `${chars.slice(at, run.from).join('')}${color[0]}${open}${chars.slice(run.from, run.to).join('')}${close}${color[1]}`
    at = run.to
  }
  return out + chars.slice(at).join('')
}
