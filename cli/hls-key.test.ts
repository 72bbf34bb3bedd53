import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../protocol/errors.ts'
import { keyFrom } from './hls-key.ts'

test('a key is its file and where players get it', () => {
  assert.equal(keyFrom({}), undefined)
  assert.deepEqual(keyFrom({ hlsKey: '/keys/a', hlsKeyUrl: 'https://example.org/a?b=1' }), {
    path: '/keys/a',
    url: 'https://example.org/a?b=1',
  })
  assert.deepEqual(keyFrom({ hlsKey: '/keys/a', hlsKeyUrl: '/a', hlsEncryption: 'cbcs' }), {
    path: '/keys/a',
    url: '/a',
    method: 'cbcs',
  })
  const wrong = [
    { hlsEncryption: 'cbcs' as const },
    { hlsKey: '/keys/a' },
    { hlsKeyUrl: '/a' },
    { hlsKey: '', hlsKeyUrl: '/a' },
    { hlsKey: '/a', hlsKeyUrl: 'a"b' },
  ]
  for (const one of wrong) assert.throws(() => keyFrom(one), UsageError, JSON.stringify(one))
})
