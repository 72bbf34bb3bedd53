/** Text in columns of a terminal. In a file of its own, as the tables of Unicode that it needs take long to load. */
import cutTo from 'cli-truncate'
import widthOf from 'string-width'

export { widthOf }

/** Columns of the terminal; of a text that goes into a file 80. */
export const columns = (): number => process.stdout.columns ?? 80

/** Text cut or padded to a width in columns of a terminal, where some characters take two and others none. */
export function fit(text: string, width: number): string {
  const cut = widthOf(text) > width ? cutTo(text, Math.max(1, width)) : text
  return cut + ' '.repeat(Math.max(0, width - widthOf(cut)))
}

/** Wraps text between words, to a number of columns (`width`) and at most a number of `lines`, of which the last is cut. */
export function wrap(text: string, width: number, lines: number): string[] {
  const wrapped = ['']
  for (const word of text.split(' ')) {
    const line = wrapped.at(-1) ?? ''
    const longer = line === '' ? word : `${line} ${word}`
    if (line === '' || wrapped.length === lines || widthOf(longer) <= width) wrapped[wrapped.length - 1] = longer
    else wrapped.push(word)
  }
  return wrapped.map((line) => fit(line, width).trimEnd())
}
