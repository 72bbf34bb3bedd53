import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import type { VideoDetail } from '../../protocol/status.ts'
import { WEBHOOK_TYPES, webhookMessageSchema } from '../../protocol/webhook.ts'
import { WEBHOOK_BODY_BYTES_MAX } from '../../protocol/webhook-delivery.ts'
import { deliveriesOf, endpointsFor } from './new-deliveries.ts'

const event = {
  n: 7,
  at: 1_000,
  what: 'completed',
  peer: null,
  video: '00000000000000aa' as VideoId,
  text: 'film is completed',
}

test('an endpoint that is named twice gets a message once, and one that wants other types none', () => {
  const ofVideo = ['https://a.example/', 'https://b.example/']
  const configured = { urls: ['https://a.example/', 'https://c.example/'], types: WEBHOOK_TYPES }
  assert.deepEqual(endpointsFor(event, { configured, ofVideo }), [
    'https://a.example/',
    'https://c.example/',
    'https://b.example/',
  ])
  const few = { ...configured, types: ['peer.lost'] as const }
  assert.deepEqual(endpointsFor(event, { configured: few, ofVideo }), ofVideo)
  assert.deepEqual(endpointsFor({ what: 'note' }, { configured, ofVideo }), [], 'an event of which no message is sent')
})

test('a message has the form of its schema, and is sent without its video where that is too large', () => {
  const large = { name: 'x'.repeat(WEBHOOK_BODY_BYTES_MAX) } as VideoDetail
  for (const video of [null, large]) {
    const [made] = deliveriesOf(event, video, ['https://a.example/'])
    assert.deepEqual(webhookMessageSchema.parse(JSON.parse(made!.body)), {
      type: 'video.completed',
      timestamp: '1970-01-01T00:00:01.000Z',
      data: { event, video: null },
    })
    assert.match(made!._id, /^7-[0-9a-f]{16}$/)
  }
  assert.deepEqual(deliveriesOf({ ...event, what: 'note' }, null, ['https://a.example/']), [])
})
