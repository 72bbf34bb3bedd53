/** The webhooks of a configuration: what may be given, and what is said where it cannot be used. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { UsageError } from '../../protocol/errors.ts'
import { type LogFields, silentLog } from '../../protocol/log.ts'
import { WEBHOOK_TYPES } from '../../protocol/webhook.ts'
import { atEnd } from '../../testing/tools/at-end.ts'
import { folder } from '../../testing/tools/folder.ts'
import { LOOK_MS } from '../host/secret-files.ts'
import { systemClock as clock } from '../host/system-clock.ts'
import { createPartList } from '../parts.ts'
import { openWebhooks, webhookProblem } from './open-webhooks.ts'
import { webhookSettings } from './webhook-settings.ts'

const schema = z.object(webhookSettings)
const [SECRET, NEXT] = [7, 8].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`) as [string, string]
const never = new AbortController().signal
const NO_PARTS = { start: async () => {} }

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
    openWebhooks({ ...schema.parse(change), name: 'cedar', roles }, { clock, log, parts: NO_PARTS })
  const webhooks = ['https://a.example/']
  assert.deepEqual(await open({ webhooks }, ['worker']), {}, 'it never leads')
  await assert.rejects(
    open({ webhooks }),
    (error) => error instanceof UsageError && /^webhooks are signed: /.test(error.message),
  )
  await assert.rejects(
    open({ webhook_secret: [join(dir, 'none')] }),
    /^UsageError: --webhook-secret .*none cannot be read: ENOENT$/,
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

test('a secret that is put into the file while the node runs signs what is sent from then on', async (t) => {
  const verified: boolean[][] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    const isSignedBy = (secret: string) => {
      try {
        new Webhook(secret).verify(body, request.headers as Record<string, string>)
        return true
      } catch {
        return false
      }
    }
    verified.push([SECRET, NEXT].map(isSignedBy))
    response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const path = join(await folder(t), 'hook.secret')
  await writeFile(path, SECRET, { mode: 0o600 })
  const { promise: isReread, resolve } = Promise.withResolvers<void>()
  const log = { ...silentLog, info: () => resolve() }
  const parts = createPartList(log)
  atEnd(t, async () => {
    await parts.stop()
    server.close()
  })
  const fast = { ...clock, timer: (ms: number, act: () => void) => clock.timer(ms === LOOK_MS ? 5 : ms, act) }
  const settings = schema.parse({ webhook_secret: path, webhook_allow_private: '127.0.0.1' })
  const opened = await openWebhooks({ ...settings, name: 'cedar', roles: ['coordinator'] }, { clock: fast, log, parts })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const send = () => opened.webhooks!.send({ id: '1-0', url, body: '{}' }, never)
  await send()
  await writeFile(path, `${SECRET}\n${NEXT}\n`)
  await isReread
  await send()
  await writeFile(path, 'broken')
  await send()
  assert.deepEqual(verified, [
    [true, false],
    [true, true],
    [true, true],
  ])
})
