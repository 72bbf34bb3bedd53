/** When a node is ready, in which words it is not, and where it has metrics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { silentLog } from '../../protocol/log.ts'
import type { NodeFace } from '../face.ts'
import { type ApiModules, createApi } from './api.ts'

async function ask(
  path: string,
  state: Heartbeat['state'],
  { away = null as string | null, metrics = null as unknown } = {},
) {
  const face = { snapshot: async () => ({ ledger: { away } }) } as unknown as NodeFace
  const modules = { metrics, admission: { state: () => state }, log: silentLog } as unknown as ApiModules
  const response = await createApi(face, modules).request(path)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

test('a node is ready unless its ledger is away, its disk full, its ffmpeg failed or it ends, and says which', async () => {
  for (const state of ['idle', 'working', 'waiting', 'paused', 'draining', 'quarantined'] as const)
    assert.equal((await ask('/readyz', state)).status, 200, state)
  const says: Readonly<Partial<Record<Heartbeat['state'], RegExp>>> = {
    ledger_away: /ledger does not answer/,
    disk_full: /disk is full/,
    self_test_failed: /ffmpeg failed its self-test/,
    leaving: /is ending/,
  }
  for (const [state, words] of Object.entries(says)) {
    const { status, headers, text } = await ask('/readyz', state as Heartbeat['state'])
    assert.deepEqual([status, headers.get('retry-after')], [503, '2'])
    const { code, detail } = JSON.parse(text) as { code: string; detail: string }
    assert.equal(code, state)
    assert.match(detail, words)
  }
  assert.equal(
    (await ask('/readyz', 'idle', { away: 'no answer' })).status,
    503,
    'it claims nothing, and so would not see it',
  )
})

test('metrics are there where they are collected', async () => {
  assert.equal((await ask('/metrics', 'idle')).status, 404)
  const metrics = { read: async () => ({ text: 'a 1\n# EOF\n', type: 'application/openmetrics-text' }) }
  const { status, headers, text } = await ask('/metrics', 'idle', { metrics })
  assert.deepEqual([status, headers.get('content-type'), text], [200, 'application/openmetrics-text', 'a 1\n# EOF\n'])
})
