/** The leader's webhooks on a virtual clock: none is lost when it is killed, ids stay, and one dead endpoint holds up no other. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { submission } from '../../protocol/conformance/ledger/world.ts'
import type { EventCode } from '../../protocol/events.ts'
import type { VideoId } from '../../protocol/ids.ts'
import { silentLog } from '../../protocol/log.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { runRounds } from '../../protocol/rounds.ts'
import { WEBHOOK_TYPES, type WebhookAnswer, type WebhookAttempt, type WebhookType } from '../../protocol/webhook.ts'
import { createStage } from '../../testing/simulation/stage.ts'
import { createWebhooks } from './webhooks.ts'

const DAY = 24 * 3_600_000
const HOOK = 'https://all.example/hook'
const ok: WebhookAnswer = { status: 204, retry_after_ms: null }
const bad: WebhookAnswer = { status: 500, retry_after_ms: null }

interface Endpoints {
  readonly urls?: readonly string[]
  readonly types?: readonly WebhookType[]
  /** Time between rounds, ms: that of a day is spent in few of them. */
  readonly everyMs?: number
  answer(attempt: WebhookAttempt): WebhookAnswer | Promise<WebhookAnswer>
}

async function meshOf(t: TestContext) {
  const stage = await createStage()
  t.after(() => stage.close())
  const { ledger } = stage
  const sent: WebhookAttempt[] = []
  const terms: AbortController[] = []
  /** Begins a term, whose leader asks these endpoints. */
  const lead = async ({ urls = [HOOK], types = WEBHOOK_TYPES, everyMs = 500, answer }: Endpoints) => {
    const term = terms.length + 1
    const actor = stage.actor(`leader ${term}`)
    await ledger.stampTerm(term)
    const over = new AbortController()
    terms.push(over)
    const duty = createWebhooks({
      ...actor,
      term,
      log: silentLog,
      webhooks: {
        endpoints: { urls, types },
        shown: async () => null,
        async send(attempt) {
          sent.push(attempt)
          return await answer(attempt)
        },
      },
    })
    const notifier = createNotifier(actor.clock)
    void runRounds({ name: 'webhooks', everyMs, round: duty.round }, { notifier, log: silentLog }, over.signal)
    const kill = () => {
      actor.life.kill()
      over.abort()
    }
    return { end: () => over.abort(), kill }
  }
  t.after(() => {
    for (const over of terms) over.abort()
  })
  const emit = (what: EventCode, video: VideoId | null = null) =>
    ledger.addEvent({ what, peer: null, video, text: what })
  const states = async () => (await ledger.webhooks({ limit: 100 })).map(({ type, state }) => `${type} ${state}`)
  return { ...stage, lead, emit, sent, states }
}

test('each event is sent to the endpoints that want it, and what happened before the first leader to none', async (t) => {
  const { ledger, lead, emit, sent, pass } = await meshOf(t)
  const own = 'https://one.example/?token=secret'
  const { video } = await ledger.submit(submission({ webhooks: [own, HOOK] }))
  await emit('completed', video._id)
  await lead({ types: ['video.failed', 'peer.lost'], answer: () => ok })
  await pass(2_000)
  assert.equal(sent.length, 0)
  await emit('peer_lost')
  await emit('note', video._id)
  await emit('completed', video._id)
  await emit('failed')
  await pass(2_000)
  const got = sent.map(({ url, body }) => [url, JSON.parse(body).type]).sort()
  assert.deepEqual(got, [
    [HOOK, 'peer.lost'],
    [HOOK, 'video.completed'],
    [HOOK, 'video.failed'],
    [own, 'video.completed'],
  ])
  const { type, timestamp, data } = JSON.parse(sent.find(({ url }) => url === own)!.body)
  const [event] = await ledger.events(1, { video: video._id })
  assert.deepEqual(
    { type, timestamp, data },
    {
      type: 'video.completed',
      timestamp: new Date(event!.at).toISOString(),
      data: { event, video: null },
    },
  )
})

test('a leader that is killed between an answer and its record loses nothing: the next one sends it under the same id', async (t) => {
  const { ledger, lead, emit, sent, states, pass } = await meshOf(t)
  const first = await lead({
    answer() {
      // The endpoint has it, and this process writes nothing any more.
      first.kill()
      return ok
    },
  })
  await pass(1_500)
  await emit('leader')
  await pass(1_500)
  assert.equal(sent.length, 1)
  assert.deepEqual(await states(), ['leader.changed waiting'])
  await emit('disk_full')
  let refusals = 2
  await lead({ answer: () => (refusals-- > 0 ? bad : ok) })
  await pass(120_000)
  assert.deepEqual(await states(), ['peer.disk_full delivered', 'leader.changed delivered'])
  const ofFirst = sent.filter(({ id }) => id === sent[0]!.id)
  assert.ok(ofFirst.length >= 2)
  assert.deepEqual(new Set(ofFirst.map(({ body }) => body)).size, 1)
  assert.equal(new Set(sent.map(({ id }) => id)).size, 2)
  assert.equal((await ledger.webhooks({ limit: 9 })).length, 2)
})

test('a leader that takes over after events were read and before that was noted makes no delivery twice', async (t) => {
  const { ledger, lead, emit, sent, pass } = await meshOf(t)
  const first = await lead({ answer: () => ok })
  await pass(1_500)
  const before = (await ledger.notes('coordinator')).get('webhooks')
  await emit('disk_full')
  await pass(1_500)
  first.end()
  await ledger.setNote({ lease: 'coordinator', key: 'webhooks', text: before!, term: 1 })
  await lead({ answer: () => ok })
  await pass(5_000)
  assert.equal(sent.length, 1)
})

test('an endpoint that answers nothing takes two places, and the others get theirs at once', async (t) => {
  const { lead, emit, sent, states, pass } = await meshOf(t)
  const dead = 'https://dead.example/'
  const silence = new Promise<never>(() => {})
  await lead({ urls: [dead, HOOK], answer: ({ url }) => (url === dead ? silence : ok) })
  await pass(1_500)
  for (let n = 0; n < 40; n++) await emit('disk_full')
  await pass(3_000)
  assert.equal(sent.filter(({ url }) => url === dead).length, 2)
  assert.equal((await states()).filter((state) => state.endsWith('delivered')).length, 40)
})

test('what no attempt of a day delivers is given up, what the endpoint wants no more at once, and either can be sent again', async (t) => {
  const { ledger, lead, emit, sent, states, pass } = await meshOf(t)
  const gone = 'https://gone.example/'
  let isBack = false
  const answer = ({ url }: WebhookAttempt) => (isBack ? ok : url === gone ? { status: 410, retry_after_ms: null } : bad)
  await lead({ urls: [gone, HOOK], everyMs: 60_000, answer })
  await pass(1_500)
  await emit('disk_full')
  await pass(61_000)
  assert.deepEqual((await states()).sort(), ['peer.disk_full failed', 'peer.disk_full waiting'])
  await pass(DAY)
  assert.deepEqual(await states(), ['peer.disk_full failed', 'peer.disk_full failed'])
  assert.ok(sent.length > 20 && sent.length < 70, `${sent.length} attempts`)
  isBack = true
  for (const { _id } of await ledger.webhooks({ limit: 9 })) await ledger.resendWebhook(_id)
  await pass(61_000)
  assert.deepEqual(await states(), ['peer.disk_full delivered', 'peer.disk_full delivered'])
})
