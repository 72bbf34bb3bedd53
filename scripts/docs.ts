/** Writes the documentation that is made from the code: docs/status.md. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { STATUS_PAGE, statusPage } from '../testing/docs/status-page.ts'

await writeFile(join(import.meta.dirname, '..', STATUS_PAGE), await statusPage())
