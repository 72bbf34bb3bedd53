/** The webhooks of a configuration: what may be given, and what is said where it cannot be used. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { UsageError } from '../../protocol/errors.ts'
import { type LogFields, silentLog } from '../../protocol/log.ts'
import { WEBHOOK_TYPES } from '../../protocol/webhook.ts'
import { folder } from '../../testing/tools/folder.ts'
import { systemClock as clock } from '../host/system-clock.ts'
import { openWebhooks, webhookProblem } from './open-webhooks.ts'
import { webhookSettings } from './webhook-settings.ts'

const schema = z.object(webhookSettings)
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const never = new AbortController().signal

test('settings are lists in the file, or texts with commas in variables and flags', () => {
  assert.deepEqual(schema.parse({}), {
    ...{
      webhooks: [],
      webhook_secret: [],
      webhook_events: WEBHOOK_TYPES,
      webhook_allow_private: false,
      input_webhooks: [],
    },
  })
  const given = schema.parse({
    ...{
      webhooks: 'https://a.example/x, http://b.example/',
      webhook_secret: '/a,/b',
      webhook_events: 'video.failed,peer.lost',
    },
    ...{ webhook_allow_private: '10.0.0.0/8,hooks.lan', input_webhooks: ['https://c.example/?a,b'] },
  })
  assert.deepEqual(given, {
    ...{ webhooks: ['https://a.example/x', 'http://b.example/'], webhook_secret: ['/a', '/b'] },
    ...{ webhook_events: ['video.failed', 'peer.lost'], webhook_allow_private: ['10.0.0.0/8', 'hooks.lan'] },
    input_webhooks: ['https://c.example/?a,b'],
  })
  assert.equal(schema.parse({ webhook_allow_private: 'true' }).webhook_allow_private, true)
  for (const wrong of [
    { webhooks: 'example.org' },
    { webhooks: 'ftp://a.example/' },
    { input_webhooks: 'https://me:pass@a.example/' },
    { webhooks: Array(9).fill('https://a.example/') },
    { webhook_events: 'video.begun' },
    { webhook_allow_private: '10.0.0.0/40' },
    { webhook_allow_private: 7 },
  ])
    assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong))
})

test('endpoints without a secret, and a secret that cannot be read, are refused in a sentence without it', async (t) => {
  const dir = await folder(t)
  const lines: LogFields[] = []
  const log = { ...silentLog, warn: (_: string, fields: LogFields = {}) => void lines.push(fields) }
  const open = (change: object, roles: ('worker' | 'coordinator')[] = ['coordinator']) =>
    openWebhooks({ ...schema.parse(change), name: 'cedar', roles }, { clock, log })
  const webhooks = ['https://a.example/']
  assert.deepEqual(await open({ webhooks }, ['worker']), {}, 'it never leads')
  await assert.rejects(
    open({ webhooks }),
    (error) => error instanceof UsageError && /^webhooks are signed: /.test(error.message),
  )
  await assert.rejects(
    open({ webhook_secret: [join(dir, 'none')] }),
    /^UsageError: webhook_secret: .*none cannot be read: ENOENT$/,
  )
  const path = join(dir, 'hook.secret')
  await writeFile(path, 'geheim', { mode: 0o600 })
  await assert.rejects(
    open({ webhook_secret: [path] }),
    (error: Error) => /: line 1 is no secret/.test(error.message) && !/geheim/.test(error.message),
  )
  await writeFile(path, SECRET)
  assert.deepEqual((await open({ webhooks, webhook_secret: [path] })).webhooks?.endpoints, {
    urls: webhooks,
    types: WEBHOOK_TYPES,
  })
  assert.deepEqual(lines, [])
  const without = await open({})
  const answer = await without.webhooks!.send({ id: '1-0', url: 'https://a.example/', body: '{}' }, never)
  assert.match(JSON.stringify(answer), /cedar leads, and has no webhook_secret/)
  assert.match(
    webhookProblem({ webhook_allow_private: false })('http://10.0.0.1/') ?? '',
    /10\.0\.0\.1 is no public address/,
  )
})
