/** The table of events in docs/status.md, made from their catalogue. `scripts/docs.ts` writes it, and a structure test compares. */
import { EVENTS } from '../../protocol/events.ts'

/** Repository path of the page. */
export const EVENTS_PAGE = 'docs/status.md'

const BEGIN = /<!-- Made from protocol\/events\.ts [^\n]*-->\n/
const END = '<!-- /events -->'

/** The page with its table as the catalogue has it. Throws where the page lacks the marks around the table. */
export function withEventTable(page: string): string {
  const begin = BEGIN.exec(page)
  const end = page.indexOf(END)
  if (!begin || end < begin.index) throw new Error(`${EVENTS_PAGE}: the marks around the table of events are missing`)
  return `${page.slice(0, begin.index + begin[0].length)}\n${eventTable()}\n${page.slice(end)}`
}

function eventTable(): string {
  const rows = Object.entries(EVENTS).map(([code, { level, meaning }]) => `| \`${code}\` | ${level} | ${meaning} |\n`)
  return `| \`what\` | level | meaning |\n|---|---|---|\n${rows.join('')}`
}
