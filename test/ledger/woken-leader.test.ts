/**
 * A leader that was frozen while another took over, and wakes: it changes nothing. Checked by the database's own log of operations,
 * which keeps every write, whoever made it. (What a deposed one may write is refused by both adapters: protocol/conformance.)
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureSource } from '../../testing/sources/make.ts'
import { folder } from '../../testing/tools/folder.ts'
import { startMongod } from '../../testing/tools/mongod.ts'
import { readHistory } from '../chaos/history.ts'
import { hashesBelow, isRunning, startSmallNode, until } from './small-mesh.ts'

/** The lease runs out after 5 s, and 6 s is the promise; the rest is a busy machine's. */
const STOOD_STILL_MS = 12_000

test('a leader that wakes after another took over changes nothing', async (t) => {
  await using mongod = await startMongod({ owned: true })
  const ledger = mongod.uriOf('woken')
  const dir = await folder(t)
  const first = await startSmallNode(t, { dir, name: 'first', ledger })
  await until('the first one leads', 30, async () => (await first.status()).leader?.name === 'first')
  const second = await startSmallNode(t, { dir, name: 'second', ledger, join: first.address })
  const out = join(dir, 'out')
  const video = await second.submit(await ensureSource('h264-closed'), out, 'medium')
  await until('both encode', 60, async () => {
    const { peers } = await second.status()
    return peers.filter(({ running }) => running.length > 0).length === 2
  })

  first.process.kill('SIGSTOP')
  const stopped = performance.now()
  const led = await until('the second one leads', 30, async () => {
    const { leader } = await second.status()
    return leader?.name === 'second' ? leader : null
  })
  t.diagnostic(`another led ${((performance.now() - stopped) / 1000).toFixed(1)} s after the leader froze`)
  await sleep(Math.max(0, STOOD_STILL_MS - (performance.now() - stopped)))
  first.process.kill('SIGCONT')

  await until('the video is delivered', 120, async () => {
    const { videos } = await second.status()
    return videos.find(({ id }) => id === video)?.deliveries.every(({ done_at }) => done_at !== null)
  })
  const { leader, events } = await first.status()
  assert.deepEqual([leader?.name, leader?.term], ['second', led.term], 'the woken one knows who leads')
  assert.equal(events.filter(({ what }) => what === 'leader').length, led.term)
  assert.match(first.log(), /"msg":"this peer no longer leads"/)
  assert.ok(isRunning(first) && isRunning(second))
  const { violations, tasks, commits } = await readHistory(mongod.uri, 'woken')
  assert.deepEqual(violations, [], 'terms and attempts only rose')
  assert.ok(tasks > 0 && commits === tasks, `${commits} commits of ${tasks} tasks`)
  assert.equal(Object.keys(await hashesBelow(out)).length, 1)
})
