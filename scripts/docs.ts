/** Writes the documentation that is made from the code: docs/status.md, docs/ladders.md and docs/reference.md. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LADDERS_PAGE, laddersPage } from '../testing/docs/ladders-page.ts'
import { REFERENCE_PAGE, referencePage } from '../testing/docs/reference-page.ts'
import { STATUS_PAGE, statusPage } from '../testing/docs/status-page.ts'

await writeFile(join(import.meta.dirname, '..', STATUS_PAGE), await statusPage())
await writeFile(join(import.meta.dirname, '..', LADDERS_PAGE), laddersPage())
await writeFile(join(import.meta.dirname, '..', REFERENCE_PAGE), await referencePage())
