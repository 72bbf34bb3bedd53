/** Webhook deliveries: made once, sent while they are due, fenced by the term, sent again by hand, and removed when they are old. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type NewWebhook,
  WEBHOOK_KEPT_MS,
  WEBHOOK_RETRY_MS,
  type WebhookDelivery,
  type WebhookOutcome,
  webhookId,
} from '../../webhook-delivery.ts'
import { type Store, withStore } from './with-store.ts'
import { freshVideoId, type LedgerHarness, submission, theVideo } from './world.ts'

export const webhookSuite = (harness: LedgerHarness): void => {
  withStore(harness, 'webhooks', webhookTests)
  withStore(harness, 'webhooks of a video', videoTests)
}

/** The delivery of event `n` to one of three endpoints. */
export function newWebhook(n: number, endpoint: number): NewWebhook {
  const url = `https://example.org/$hook?${endpoint % 3}`
  const _id = webhookId({ n, at: 1_000 + n, what: 'completed' }, url)
  return { _id, n, type: 'video.completed', video: null, url, body: `{"n":${n},"text":"$n"}` }
}

const ids = (all: readonly WebhookDelivery[]): string[] => all.map(({ _id }) => _id)

function webhookTests(store: Store): void {
  const [one, two, other] = [newWebhook(1, 0), newWebhook(2, 0), newWebhook(2, 1)]
  const outcome = (change: Partial<WebhookOutcome>): WebhookOutcome => ({
    ...{ attempts: 0, state: 'waiting', answer: 'HTTP 500', in_ms: 60_000, term: 5 },
    ...change,
  })
  test('a delivery is made once, whoever makes it again, and waits from then on', async () => {
    const { ledger } = store()
    assert.deepEqual([await ledger.webhook(one._id), await ledger.webhooks({ limit: 9 })], [null, []])
    assert.equal(await ledger.addWebhooks([], 4), 0)
    assert.equal(await ledger.addWebhooks([one, two], 4), 2)
    assert.equal(await (await store().second()).addWebhooks([{ ...two, body: 'another' }, other], 5), 1)
    const found = await ledger.webhook(two._id)
    assert.ok(found)
    const { created_at, next_at, until, ...rest } = found
    const first = { state: 'waiting', attempts: 0, answer: null, ended_at: null, coordinator_term: 4 }
    assert.deepEqual(rest, { ...two, ...first })
    assert.equal(next_at, created_at)
    assert.equal(until, created_at + WEBHOOK_RETRY_MS)
    assert.ok(Math.abs(created_at - (await ledger.now())) < 60_000)
  })
  test('deliveries are read page by page, the newest event first', async () => {
    const { ledger } = store()
    const ofTwo = [two._id, other._id].sort().reverse()
    assert.deepEqual(ids(await ledger.webhooks({ limit: 9 })), [...ofTwo, one._id])
    const [first] = await ledger.webhooks({ limit: 1 })
    assert.deepEqual(ids(await ledger.webhooks({ limit: 9, before: first! })), [ofTwo[1], one._id])
    assert.deepEqual(await ledger.webhooks({ limit: 9, states: ['delivered', 'failed'] }), [])
  })
  test('what is due is read without the endpoints that are named', async () => {
    const { ledger } = store()
    assert.deepEqual(ids(await ledger.dueWebhooks(9, [])).sort(), [one._id, two._id, other._id].sort())
    assert.deepEqual(ids(await ledger.dueWebhooks(9, [one.url])), [other._id])
    assert.equal((await ledger.dueWebhooks(1, [])).length, 1)
  })
  test('an attempt is written once, by the newest term, and the next is due after its wait', async () => {
    const { ledger, advance } = store()
    assert.equal(await ledger.settleWebhook(two._id, outcome({ term: 3 })), 'unchanged', 'an earlier leader')
    assert.equal(await ledger.settleWebhook(two._id, outcome({ attempts: 1 })), 'unchanged')
    assert.equal(await ledger.settleWebhook(two._id, outcome({})), 'changed')
    assert.equal(await ledger.settleWebhook(two._id, outcome({})), 'unchanged', 'the same attempt again')
    assert.partialDeepStrictEqual(await ledger.webhook(two._id), { attempts: 1, answer: 'HTTP 500', state: 'waiting' })
    assert.deepEqual(ids(await ledger.dueWebhooks(9, [other.url])), [one._id])
    await advance(61_000)
    assert.deepEqual(ids(await ledger.dueWebhooks(9, [other.url])), [one._id, two._id])
  })
  test('a new leader’s term is on what waits: the earlier one writes nothing there', async () => {
    const { ledger } = store()
    await ledger.stampTerm(6)
    for (const { _id } of [one, other])
      assert.equal(await ledger.settleWebhook(_id, outcome({ state: 'delivered' })), 'unchanged')
    const delivered = outcome({ state: 'delivered', answer: 'HTTP 204', in_ms: 0, term: 6 })
    assert.equal(await ledger.settleWebhook(one._id, delivered), 'changed')
    const found = await ledger.webhook(one._id)
    assert.partialDeepStrictEqual(found, { state: 'delivered', attempts: 1, answer: 'HTTP 204', coordinator_term: 6 })
    assert.ok(Math.abs(found!.ended_at! - (await ledger.now())) < 60_000)
    assert.equal(await ledger.settleWebhook(one._id, { ...delivered, attempts: 1 }), 'unchanged', 'it has ended')
    assert.ok(!ids(await ledger.dueWebhooks(9, [])).includes(one._id))
    assert.deepEqual(ids(await ledger.webhooks({ limit: 9, states: ['delivered'] })), [one._id])
  })
  test('what is sent again by hand is due at once, and for as long as a new one', async () => {
    const { ledger } = store()
    assert.equal(await ledger.resendWebhook('9-0000000000000000'), 'unchanged')
    assert.equal(await ledger.resendWebhook(one._id), 'changed')
    assert.partialDeepStrictEqual(await ledger.webhook(one._id), { state: 'waiting', attempts: 0, ended_at: null })
    assert.ok(ids(await ledger.dueWebhooks(9, [])).includes(one._id))
    assert.ok((await ledger.webhook(one._id))!.until > (await ledger.now()) + WEBHOOK_RETRY_MS - 60_000)
  })
  test('what has ended is removed after a week, and what waits is not', async () => {
    const { ledger, advance } = store()
    assert.equal(await ledger.settleWebhook(one._id, outcome({ state: 'failed', in_ms: 0, term: 6 })), 'changed')
    await advance(WEBHOOK_KEPT_MS - 60_000)
    await ledger.removeOldWebhooks()
    assert.equal((await ledger.webhooks({ limit: 9 })).length, 3)
    await advance(120_000)
    await ledger.removeOldWebhooks()
    assert.deepEqual(ids(await ledger.webhooks({ limit: 9 })).sort(), [two._id, other._id].sort())
  })
}

function videoTests(store: Store): void {
  test('a video has the endpoints of all its submits, each once', async () => {
    const { ledger } = store()
    const _id = freshVideoId()
    const [a, b] = ['https://a.example/?$x', 'https://b.example/']
    await ledger.submit(submission({ _id, webhooks: [a!] }))
    assert.deepEqual((await theVideo(ledger, _id)).webhooks, [a])
    await ledger.submit(submission({ _id }))
    await ledger.submit(submission({ _id, webhooks: [b!, a!] }))
    assert.deepEqual((await theVideo(ledger, _id)).webhooks, [a, b])
    const many = Array.from({ length: 20 }, (_, n) => `https://c.example/${n}`)
    await ledger.submit(submission({ _id, webhooks: many }))
    assert.deepEqual((await theVideo(ledger, _id)).webhooks, [a, b, ...many.slice(0, 6)])
  })
}
