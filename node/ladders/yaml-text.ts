/** YAML with its lines, and so JSON, which is YAML too. */
import { type Document, isMap, isNode, LineCounter, parseDocument } from 'yaml'
import { UsageError } from '../../protocol/errors.ts'
import type { Path } from '../schema-sentences.ts'

/** A text that was read. */
export interface YamlText {
  /** Its file, for people. */
  readonly file: string
  /** What it says; null or undefined where it is empty. */
  readonly value: unknown
  readonly document: Document
  readonly lines: LineCounter
}

/** The text as YAML. Throws `UsageError` with the line where it is none. */
export function readYaml(text: string, file: string): YamlText {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'error' })
  const [error] = document.errors
  if (error !== undefined)
    throw new UsageError(
      `${file} is not YAML: line ${lines.linePos(error.pos[0]).line}: ${firstLine(error).replace(/ at line \d+.*$/, '')}`,
    )
  try {
    return { file, value: document.toJS(), document, lines }
  } catch (cause) {
    // Aliases that would be too many values.
    throw new UsageError(`${file} is not YAML: ${firstLine(cause as Error)}`, { cause })
  }
}

const firstLine = ({ message }: Error): string => message.split('\n')[0]!

/** The number of the line, from 1, of what lies there, or, of something that is missing, of what it is missing in. */
export function lineOf({ document, lines }: YamlText, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? null : document.getIn(path.slice(0, length - 1), true)
    const pair = isMap(parent) && parent.items.find(({ key }) => String(key) === String(path[length - 1]))
    const node = pair ? pair.key : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}
