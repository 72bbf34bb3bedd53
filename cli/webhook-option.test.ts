import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import type { Config } from '../node/config.ts'
import { UsageError } from '../protocol/errors.ts'
import { addWebhookOption, checkWebhooks } from './webhook-option.ts'

const parse = (...urls: string[]) =>
  addWebhookOption(new Command())
    .parse(
      urls.flatMap((url) => ['--webhook', url]),
      { from: 'user' },
    )
    .opts<{ webhook?: string[] }>().webhook

test('--webhook may be repeated, up to eight times, and takes http and https alone', () => {
  assert.equal(parse(), undefined)
  assert.deepEqual(parse('https://a.example/', 'http://b.example/?x'), ['https://a.example/', 'http://b.example/?x'])
  for (const url of ['a.example', 'ftp://a.example/', 'https://me:pass@a.example/', 'https://a.example/ b', ''])
    assert.throws(() => parse(url), UsageError, url)
  assert.throws(() => parse(...Array(9).fill('https://a.example/')), /more than 8 times/)
})

test('run refuses what it could not send: without a secret, and to private addresses', async () => {
  const config = { webhook_secret: ['/secret'], webhook_allow_private: ['10.0.0.0/8'] } as unknown as Config
  await checkWebhooks(undefined, { ...config, webhook_secret: [] })
  await checkWebhooks(['https://a.example/', 'http://10.1.1.1/'], config)
  await assert.rejects(
    checkWebhooks(['https://a.example/'], { ...config, webhook_secret: [] }),
    /^UsageError: --webhook: messages are signed/,
  )
  await assert.rejects(checkWebhooks(['http://127.0.0.1/'], config), /127\.0\.0\.1 is no public address/)
})
