/** The log of a peer whose disk is full: neither the peer nor its memory pays for it. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createPinoLog } from './pino-log.ts'

test('a log that cannot be written throws nothing and holds back no more than it may', async () => {
  const log = createPinoLog({ level: 'info', name: 'ann', file: '/dev/full' })
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 150_000; n++)
    log.child({ part: 'store' }).warn('the disk is full', { n, text: 'x'.repeat(1_000) })
  // What it emits comes in this turn of the loop or in the next.
  await new Promise(setImmediate)
  const held = process.memoryUsage().heapUsed - before
  assert.ok(held < 100e6, `${held} bytes are held of lines of 150 MB`)
})

test('a line holds its message, its fields and the name of the peer', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-log-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'deeper', 'log')
  createPinoLog({ level: 'warn', name: 'ann', file }).child({ video: 'v' }).warn('suspect', { peer_id: 'p' })
  const { msg, peer, video, peer_id } = JSON.parse(await readFile(file, 'utf8'))
  assert.deepEqual([msg, peer, video, peer_id], ['suspect', 'ann', 'v', 'p'])
})
