/**
 * The version of what peers share on disk and in the ledger. It rises with every change of the documents, the tables or the data
 * folder that another version would misread. There is no migration: an older ledger and a newer one are refused, in one sentence.
 */
import { UsageError } from './errors.ts'

/** The number of this version's schema. 8: webhooks of videos, and their deliveries. */
export const SCHEMA_VERSION = 8

/** Throws `UsageError` where the number of a ledger's or data folder's schema is another. `what`: its name and place; `another`: what to use instead. */
export function checkSchemaVersion(what: string, version: number, another: string): void {
  if (version === SCHEMA_VERSION) return
  const [made, remedy] =
    version < SCHEMA_VERSION
      ? ['an older', `finish its videos with that version and delete it, or use ${another}`]
      : ['a newer', `use that version, or ${another}`]
  throw new UsageError(
    `${what} was made by ${made} Reelmesh (schema ${version}; this version reads ${SCHEMA_VERSION} only): ${remedy}`,
  )
}
