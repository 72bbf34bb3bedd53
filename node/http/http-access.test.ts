/** Which listeners are started, and in which words others are refused. */
import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '../../protocol/errors.ts'
import { silentLog } from '../../protocol/log.ts'
import { folder } from '../../testing/tools/folder.ts'
import { type HttpSettings, readHttpAccess } from './http-access.ts'

const PEM = join(import.meta.dirname, '../../testing/tools/loopback.pem')
const TOKEN = '0123456789abcdefghij'
const TLS = { http_tls_cert: PEM, http_tls_key: PEM }

test('beyond loopback a listener needs tokens and something that encrypts, and on loopback neither', async (t) => {
  const dir = await folder(t)
  const file = async (name: string, text: string) => {
    await writeFile(join(dir, name), text, { mode: 0o600 })
    return join(dir, name)
  }
  const http_token = await file('tokens', `view ${TOKEN}`)
  const access = (settings: Partial<HttpSettings>) =>
    readHttpAccess({ http: '0.0.0.0:0', http_behind_proxy: false, ...settings }, silentLog)
  assert.equal(await access({ http: undefined }), null)
  const http = '127.0.0.1:0'
  assert.equal((await access({ http }))?.tokens.length, 0)
  assert.equal((await access({ http, http_token }))?.tokens.length, 1)
  assert.equal((await access({ http_token, http_behind_proxy: true }))?.tls, null)
  assert.ok((await access({ http_token, ...TLS }))?.tls)

  const refused: readonly (readonly [settings: Partial<HttpSettings>, says: RegExp])[] = [
    [{}, /^--http 0\.0\.0\.0:0: callers from other machines need a token/],
    [TLS, /need a token/],
    [{ http: 'example.org:80', http_behind_proxy: true }, /need a token/],
    [{ http: '[::]:0', http_token }, /^--http \[::\]:0: tokens must not cross a network in clear/],
    [{ http_token, http_tls_cert: PEM }, /needs both --http-tls-cert and --http-tls-key/],
    [{ http_token, ...TLS, http_tls_key: http_token }, /no certificate with its key, as PEM/],
    [{ http_token, ...TLS, http_tls_cert: join(dir, 'none') }, /^--http-tls-cert .*none cannot be read: ENOENT/],
    [{ http, http_token: join(dir, 'none') }, /^--http-token .*none cannot be read: ENOENT/],
    [{ http, http_token: await file('short', 'abc') }, /shorter than 20 characters/],
    [{ http, http_token: await file('empty', '\n') }, /it has no token/],
  ]
  for (const [settings, says] of refused)
    await assert.rejects(access(settings), (error) => {
      assert.ok(error instanceof UsageError, String(error))
      assert.match(error.message, says)
      assert.doesNotMatch(error.message, new RegExp(`\n|${TOKEN}|abc`))
      return true
    })
})

test('tokens that others may read are logged as such, by their file', async (t) => {
  const http_token = join(await folder(t), 'tokens')
  await writeFile(http_token, TOKEN)
  await chmod(http_token, 0o644)
  const lines: unknown[] = []
  const log = { ...silentLog, warn: (...line: unknown[]) => void lines.push(line) }
  await readHttpAccess({ http: '127.0.0.1:0', http_token, http_behind_proxy: false }, log)
  assert.deepEqual(lines, [['other users may read the tokens of the HTTP API: chmod 600', { path: http_token }]])
})
