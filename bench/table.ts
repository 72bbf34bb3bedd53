/** Results as rows, and rows as one markdown table. Pure. */

export interface Row {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** `value` ÷ that of the row it is compared with, in the same run; null where it stands alone. */
  readonly ratio: number | null
  readonly against: string | null
}

export const row = (
  what: string,
  value: number,
  unit: string,
  ratio: number | null = null,
  against: string | null = null,
): Row => ({ what, value, unit, ratio, against })

export interface Part {
  readonly name: string
  readonly rows: readonly Row[]
}

const HEAD = ['part', 'what', 'value', 'ratio'] as const

export function markdownTable(parts: readonly Part[]): string {
  const cells = parts.flatMap(({ name, rows }) =>
    rows.map((row, at) => [at === 0 ? name : '', row.what, valueText(row), ratioText(row)]),
  )
  const widths = HEAD.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]?.length ?? 0)))
  const line = (of: readonly string[]): string =>
    `| ${of.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(HEAD), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)].join('\n')
}

/** Three digits that say something; whole numbers stay whole. */
export function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

const valueText = ({ value, unit }: Row): string => `${numberText(value)} ${unit}`.trim()
const ratioText = ({ ratio, against }: Row): string =>
  ratio === null ? '' : `${ratio.toFixed(2)} × ${against ?? ''}`.trim()

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
