/** An endpoint of webhooks on loopback. It takes what is signed rightly, by the library of the specification; anything else fails the test. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import type { WebhookMessage } from '../../protocol/webhook.ts'
import { atEnd, type Ends } from './at-end.ts'

const SECRET = `whsec_${Buffer.from('a secret of this test, 32 bytes.').toString('base64')}`

export interface WebhookReceiver {
  readonly url: string
  /** What came, also what was refused. */
  readonly got: { readonly id: string; readonly body: string }[]
  /** The flags with which `run` and `node` sign for it, and may send to it. */
  readonly flags: readonly string[]
  /** The types of the messages about this video, in the order in which they came. */
  typesOf(video: unknown): string[]
}

/** `dir`: where its secret is written. `refused`: how many requests it answers with 500 at first. Ended with the test. */
export async function webhookReceiver(t: Ends, dir: string, { refused = 0 } = {}): Promise<WebhookReceiver> {
  const got: WebhookReceiver['got'] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    new Webhook(SECRET).verify(body, request.headers as Record<string, string>)
    got.push({ id: String(request.headers['webhook-id']), body })
    response.writeHead(got.length <= refused ? 500 : 204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => void server.close())
  const secret = join(dir, 'hook.secret')
  await writeFile(secret, SECRET, { mode: 0o600 })
  const messages = () => got.map(({ body }) => JSON.parse(body) as WebhookMessage)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    flags: ['--webhook-secret', secret, '--webhook-allow-private', '127.0.0.0/8'],
    typesOf: (video) => messages().flatMap(({ type, data }) => (data.video?.id === video ? [type] : [])),
  }
}
