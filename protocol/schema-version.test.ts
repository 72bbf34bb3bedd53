import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from './errors.ts'
import { checkSchemaVersion, SCHEMA_VERSION } from './schema-version.ts'

test('another version than this one is refused in one sentence that says what to do', () => {
  checkSchemaVersion('the ledger /x', SCHEMA_VERSION, 'another data folder')
  for (const [version, says] of [
    [SCHEMA_VERSION - 1, /^the ledger \/x was made by an older Reelmesh .* delete it, or use another data folder$/],
    [SCHEMA_VERSION + 1, /^the ledger \/x was made by a newer Reelmesh .* use that version, or another data folder$/],
  ] as const)
    assert.throws(
      () => checkSchemaVersion('the ledger /x', version, 'another data folder'),
      (error) => error instanceof UsageError && says.test(error.message),
    )
})
