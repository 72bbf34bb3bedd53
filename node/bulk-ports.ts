/** The setting `bulk_port`. */

/** Ports of one setting: more are of no use, as each node takes one. */
const PORTS_MAX = 256

/** Port numbers by the setting; 0 is one of the system's choice, null: no bulk lines. `invalid` for any other text. */
export function bulkPorts(setting: string): readonly number[] | null | 'invalid' {
  if (setting === 'off') return null
  if (setting === 'auto') return [0]
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(setting) ?? []
  const [first, last] = [Number(from), Number(to)]
  if (!(first >= 1 && first <= last && last <= 65_535 && last - first < PORTS_MAX)) return 'invalid'
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}
