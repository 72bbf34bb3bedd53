import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newWebhook } from '../../protocol/conformance/ledger/webhooks.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { ReelmeshError } from '../../protocol/errors.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { type ApiModules, createApi } from './api.ts'
import { checkWebhooks, resendWebhook, webhookPage } from './webhook-page.ts'

test('pages hold every delivery once, newest event first, and show nothing of a query or a body', async () => {
  let now = 1_000
  const ledger = createLedgerModel({ now: () => now, claimMs: 1, leaseMs: 1 })
  await ledger.addWebhooks(
    [1, 2, 3].flatMap((n) => [newWebhook(n, 0), newWebhook(n, 1)]),
    1,
  )
  const first = newWebhook(3, 0)
  await ledger.settleWebhook(first._id, { attempts: 0, state: 'delivered', answer: 'HTTP 200', in_ms: 0, term: 1 })
  const events: number[] = []
  let cursor: string | undefined
  do {
    const page = await webhookPage(ledger, { limit: 4, cursor, state: undefined })
    events.push(...page.webhooks.map(({ event }) => event))
    assert.doesNotMatch(JSON.stringify(page), /\?[01]|"body"|"url"/)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(events, [3, 3, 2, 2, 1, 1])
  const { webhooks } = await webhookPage(ledger, { limit: 50, cursor: undefined, state: 'delivered' })
  assert.deepEqual(webhooks, [
    {
      ...{ id: first._id, type: 'video.completed', event: 3, video: null, endpoint: 'https://example.org/$hook?…' },
      ...{ state: 'delivered', attempts: 1, answer: 'HTTP 200', created_at: 1_000, next_at: null, ended_at: 1_000 },
    },
  ])
  now = 5_000
  assert.partialDeepStrictEqual(await resendWebhook(ledger, first._id), {
    state: 'waiting',
    next_at: 5_000,
    attempts: 0,
  })
})

test('a state that there is not is refused with those that there are', async () => {
  const api = createApi({} as NodeFace, { log: silentLog } as ApiModules)
  const { status, field, detail } = (await (await api.request('/v1/webhooks?state=nope')).json()) as Record<
    string,
    unknown
  >
  assert.deepEqual([status, field, detail], [400, 'state', 'state: must be waiting, delivered or failed'])
})

test('an unknown delivery, and an endpoint that may not be named, are refused with code and field', async () => {
  const ledger = createLedgerModel({ now: () => 0, claimMs: 1, leaseMs: 1 })
  const isUnknown = (error: unknown) => error instanceof ReelmeshError && error.code === 'unknown_webhook'
  await assert.rejects(resendWebhook(ledger, '1-0123456789abcdef'), isUnknown)
  const problem = (url: string) => (url === 'http://b/' ? 'b is no public address' : null)
  checkWebhooks(['http://a/'], problem)
  assert.throws(() => checkWebhooks(['http://a/', 'http://b/'], problem), {
    message: 'webhooks.1: b is no public address',
    field: 'webhooks.1',
    status: 422,
  })
})
