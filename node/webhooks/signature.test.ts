/** Signatures, held against the library of the Standard Webhooks specification. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { parseSecrets, signatureHeaders, type WebhookSecret } from './signature.ts'

const secretOf = (word: string): string => `whsec_${Buffer.from(word.padEnd(32, '.')).toString('base64')}`
const parsed = (text: string): readonly WebhookSecret[] => {
  const secrets = parseSecrets(text)
  assert.ok(typeof secrets !== 'string', String(secrets))
  return secrets
}

test('the library takes what was signed with its secret, with each of several, and nothing else', () => {
  const [old, next, other] = ['old', 'next', 'other'].map(secretOf) as [string, string, string]
  const message = {
    id: '12-0123456789abcdef',
    at: Math.floor(Date.now() / 1000),
    body: '{"type":"video.completed","é":1}',
  }
  const headers = signatureHeaders(message, parsed(`# rotated\n${next}\n\n${old}\n`))
  assert.match(headers['webhook-signature'] ?? '', /^v1,\S{44} v1,\S{44}$/)
  for (const secret of [old, next])
    assert.deepEqual(new Webhook(secret).verify(message.body, { ...headers }), JSON.parse(message.body))
  assert.throws(() => new Webhook(other).verify(message.body, { ...headers }), /signature/i)
  assert.throws(() => new Webhook(old).verify(`${message.body} `, { ...headers }), /signature/i)
  assert.throws(() => new Webhook(old).verify(message.body, { ...headers, 'webhook-id': '13-0' }), /signature/i)
})

test('a file of secrets that cannot be used is refused in a sentence that shows none of it', () => {
  assert.equal(parseSecrets('# nothing\n'), 'it has no secret')
  for (const line of [
    'geheim',
    secretOf('x').slice(6),
    'whsec_',
    'whsec_c2hvcnQ=',
    'whsec_***',
    `whsec_${'A'.repeat(100)}`,
  ]) {
    const why = parseSecrets(`${secretOf('a')}\n${line}`)
    assert.match(String(why), /^line 2 is no secret: give whsec_ and 24 to 64 bytes in base64/)
    if (line.length > 6) assert.ok(!String(why).includes(line.slice(6)), String(why))
  }
})
