import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { VideoId } from '../../protocol/ids.ts'
import { createAcceptedDeliveries } from './accepted-deliveries.ts'

const video = '0123456789abcdef' as VideoId
const delivery = { video, dir: '/out', name: 'film' }

test('what was accepted is known after a restart, also under the name that only its video uses, and to this user alone', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-accepted-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'deliveries.json')
  const first = createAcceptedDeliveries(file)
  await Promise.all([first.accept(delivery), first.accept({ ...delivery, name: 'two' })])
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const again = createAcceptedDeliveries(file)
  for (const name of ['film', `film-${video}`, 'two']) assert.equal(await again.has({ ...delivery, name }), true, name)
  const others = [
    { ...delivery, name: 'other' },
    { ...delivery, dir: '/out/../etc' },
    { ...delivery, video: 'fedcba9876543210' as VideoId },
  ]
  for (const other of others) assert.equal(await again.has(other), false)
  await writeFile(file, '{')
  assert.equal(await createAcceptedDeliveries(file).has(delivery), false)
})
