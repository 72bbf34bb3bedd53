/** When a document is read anew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeptDocuments } from './kept-documents.ts'
import { VIDEO_FORM } from './sqlite/schema.ts'

const TEXTS = { isSame: (one: string, other: string) => one === other, copy: (text: string) => text }

test('a document that is stored as before is the same object, and another one is read', () => {
  const kept = new KeptDocuments<string, { readonly text: string }>(TEXTS)
  const read = (text: string) => ({ text })
  const first = kept.of('a', '1', read)
  assert.equal(kept.of('a', '1', read), first)
  assert.deepEqual(kept.of('b', '1', read), first)
  assert.notEqual(kept.of('b', '1', read), first)
  assert.deepEqual(kept.of('a', '2', read), { text: '2' })
  assert.deepEqual(kept.of('a', '1', read), { text: '1' })
})

test('one that does not fit is read each time, so that it is found each time', () => {
  const kept = new KeptDocuments<string, string>(TEXTS)
  let reads = 0
  const refuse = () => {
    reads++
    return null
  }
  assert.equal(
    kept.of('a', '1', (text) => text),
    '1',
  )
  assert.equal(kept.of('a', '2', refuse), null)
  assert.equal(kept.of('a', '2', refuse), null)
  assert.equal(reads, 2)
  assert.equal(
    kept.of('a', '1', () => 'anew'),
    'anew',
  )
})

test('rows are the same where every column of a video is', () => {
  const row = { _id: 'a', name: 'film', priority: 1, source: '{"bytes":1}' }
  assert.ok(VIDEO_FORM.isSame(row, { ...row, source: `{"bytes":${1}}` }))
  for (const changed of [{ name: 'Film' }, { priority: 2 }, { source: '{"bytes":2}' }, { deadline: 1 }])
    assert.ok(!VIDEO_FORM.isSame(row, { ...row, ...changed }))
})
