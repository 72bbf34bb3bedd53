/** Documents that are not parsed: which they are, and whether they have changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON } from 'mongodb'
import { BYTES, idIn } from './stored-bytes.ts'

test('documents are the same where their bytes are, and are known by their id without being parsed', () => {
  const stored = BSON.serialize({ _id: 'fü', at: new Date(1), list: [1, 'two'] })
  assert.equal(idIn(stored), 'fü')
  assert.equal(idIn(BSON.serialize({ at: 1, _id: 'a' })), null)
  assert.equal(idIn(BSON.serialize({ _id: 7 })), null)
  assert.equal(idIn(BSON.serialize({})), null)
  const kept = BYTES.copy(stored)
  assert.ok(BYTES.isSame(kept, stored))
  stored[stored.length - 2]! ^= 1
  assert.ok(!BYTES.isSame(kept, stored))
})
