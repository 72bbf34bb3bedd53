/** That changed tokens and certificates count, that broken ones do not, and that no connection ends. */
import assert from 'node:assert/strict'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { silentLog } from '../../protocol/log.ts'
import { folder } from '../../testing/tools/folder.ts'
import { accessFiles, type HttpAccess, type HttpSettings, readHttpAccess } from '../http/http-access.ts'
import { serveHttp } from '../http/http-server.ts'
import { roleOf } from '../http/tokens.ts'
import { createFilesLook } from './secret-files.ts'

const PEMS = join(import.meta.dirname, '../../testing/tools')
const [FIRST, RENEWED] = [join(PEMS, 'loopback.pem'), join(PEMS, 'renewed.pem')]
const TOKENS = ['view-0123456789abcdef', 'else-0123456789abcdef']

async function watched(settings: Partial<HttpSettings>) {
  const all: HttpSettings = { http: '127.0.0.1:0', http_behind_proxy: false, ...settings }
  const lines: [string, Readonly<Record<string, unknown>>?][] = []
  const log = { ...silentLog, warn: (...line: (typeof lines)[number]) => void lines.push(line) }
  const first = await readHttpAccess(all, log)
  assert.ok(first)
  const seen: HttpAccess[] = []
  const reread = async () => void seen.push((await readHttpAccess(all, log))!)
  const look = createFilesLook({ paths: accessFiles(all), what: 'tokens', stamp: first.stamp, reread }, log)
  return { first, seen, lines, look }
}

test('changed tokens count once nobody writes them any more, and broken ones leave those from before, with a sentence', async (t) => {
  const http_token = join(await folder(t), 'tokens')
  const write = (text: string) => writeFile(http_token, text, { mode: 0o600 })
  await write(`view ${TOKENS[0]}\n`)
  const { seen, lines, look } = await watched({ http_token })
  for (let round = 0; round < 3; round++) await look()
  assert.equal(seen.length, 0, 'as they are')

  await write(`operate ${TOKENS[1]}\n`)
  await look()
  assert.equal(seen.length, 0, 'they may still be written')
  await look()
  assert.deepEqual(
    TOKENS.map((token) => roleOf(`Bearer ${token}`, seen.at(-1)?.tokens ?? [])),
    [null, 'operate'],
  )

  await write('short')
  for (let round = 0; round < 3; round++) await look()
  await rm(http_token)
  for (let round = 0; round < 3; round++) await look()
  assert.equal(seen.length, 1)
  assert.deepEqual(
    lines.map(([line, fields]) => [/cannot be used: those from before stay$/.test(line), fields?.error]),
    [
      [
        true,
        `--http-token ${http_token}: the token on line 1 is shorter than 20 characters: make one with openssl rand -hex 32`,
      ],
      [true, `--http-token ${http_token} cannot be read: ENOENT`],
    ],
  )
})

test('a renewed certificate is for new connections, those that are open go on, and half of one changes nothing', async (t) => {
  const dir = await folder(t)
  const [http_tls_cert, http_tls_key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  for (const path of [http_tls_cert, http_tls_key]) await copyFile(FIRST, path)
  const { first, seen, lines, look } = await watched({ http_tls_cert, http_tls_key })
  const routes = { fetch: () => new Response('here') }
  const server = await serveHttp(routes, { host: '127.0.0.1', port: 0 }, { tls: first.tls })
  t.after(server.close)
  const ca = await Promise.all([FIRST, RENEWED].map((path) => readFile(path, 'utf8')))
  /** The name in the certificate, and the port from which was asked. */
  const ask = (agent: Agent) =>
    new Promise<[name: string | undefined, port: number | undefined]>((resolve, reject) => {
      const asked = request(server.url, { agent, ca }, (response) => {
        const socket = response.socket as TLSSocket
        const said: [string | undefined, number | undefined] = [
          socket.getPeerCertificate().subject.CN as string,
          socket.localPort,
        ]
        response.resume().on('end', () => resolve(said))
      })
      asked.on('error', reject)
      asked.end()
    })
  const open = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => open.destroy())
  const before = await ask(open)
  assert.equal(before[0], 'reelmesh test')

  await copyFile(RENEWED, http_tls_cert)
  for (let round = 0; round < 2; round++) await look()
  assert.deepEqual([seen.length, lines.length], [0, 1])
  await copyFile(RENEWED, http_tls_key)
  for (let round = 0; round < 2; round++) await look()
  server.renew(seen.at(-1)!.tls!)
  assert.deepEqual(await ask(open), before)
  assert.equal((await ask(new Agent()))[0], 'reelmesh renewed test')
})
