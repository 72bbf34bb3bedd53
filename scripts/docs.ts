/** Writes the parts of the documentation that are made from the code: the table of events in docs/status.md. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EVENTS_PAGE, withEventTable } from '../testing/docs/event-table.ts'

const path = join(import.meta.dirname, '..', EVENTS_PAGE)
await writeFile(path, withEventTable(await readFile(path, 'utf8')))
