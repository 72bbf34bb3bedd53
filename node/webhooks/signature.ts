/**
 * Signatures of webhooks after the Standard Webhooks specification 1.0: HMAC-SHA256 over id, time and body. With several secrets there are several
 * signatures, so that endpoints can go from one to the next at their own time.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** A secret, which no log and no message shows. */
export type WebhookSecret = KeyObject

const PREFIX = 'whsec_'
/** Bytes of a secret, by the specification. */
const SECRET_BYTES = { least: 24, most: 64 } as const
const BASE64 = /^[A-Za-z\d+/]+={0,2}$/

/** The secrets of a file's text, one on each line, or a sentence that says what is wrong with it, without a secret. */
export function parseSecrets(text: string): readonly WebhookSecret[] | string {
  const secrets: WebhookSecret[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.trim()
    if (word === '' || word.startsWith('#')) continue
    const coded = word.startsWith(PREFIX) ? word.slice(PREFIX.length) : ''
    const bytes = BASE64.test(coded) ? Buffer.from(coded, 'base64') : Buffer.alloc(0)
    if (bytes.byteLength < SECRET_BYTES.least || bytes.byteLength > SECRET_BYTES.most)
      return `line ${index + 1} is no secret: give ${PREFIX} and ${SECRET_BYTES.least} to ${SECRET_BYTES.most} bytes in base64, as from echo "${PREFIX}$(openssl rand -base64 32)"`
    secrets.push(createSecretKey(bytes))
  }
  return secrets.length > 0 ? secrets : 'it has no secret'
}

/** The headers that sign a message. `at`: s since 1970. */
export function signatureHeaders(
  { id, at, body }: { readonly id: string; readonly at: number; readonly body: string },
  secrets: readonly WebhookSecret[],
): Readonly<Record<string, string>> {
  const sign = (secret: WebhookSecret) =>
    `v1,${createHmac('sha256', secret).update(`${id}.${at}.${body}`).digest('base64')}`
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': secrets.map(sign).join(' ') }
}
