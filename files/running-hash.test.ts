import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import { startHash } from './running-hash.ts'

const MiB = 1024 * 1024
const shared = (bytes: number, seed: number) => new Uint8Array(new SharedArrayBuffer(bytes)).fill(seed)

describe('a running hash', () => {
  for (const [where, size] of [
    ['on the event loop', 1],
    ['in a thread', 1024 * MiB],
  ] as const) {
    it(`counts bytes in their order, and goes on after a digest, ${where}`, async (t) => {
      const hash = startHash(size)
      t.after(hash.end)
      const [one, two] = [shared(3 * MiB, 1), Buffer.from('the end')]
      const updates = [hash.update(one), hash.update(two)]
      assert.equal(await hash.digest(), createHash('sha256').update(one).update(two).digest('hex'))
      await Promise.all(updates)
      await hash.update(two)
      assert.equal(await hash.digest(), createHash('sha256').update(one).update(two).update(two).digest('hex'))
    })
  }

  it('leaves the event loop free while a large file is hashed', async (t) => {
    const hash = startHash(1024 * MiB)
    t.after(hash.end)
    // The thread has started.
    await hash.digest()
    const bytes = shared(256 * MiB, 7)
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    await hash.update(bytes)
    delay.disable()
    assert.ok(delay.max < 100e6, `the longest turn took ${delay.max / 1e6} ms`)
  })

  it('rejects what waits when it is ended, and what comes after that', async () => {
    const hash = startHash(1024 * MiB)
    const updating = hash.update(shared(64 * MiB, 3))
    hash.end()
    await assert.rejects(updating, /hash was ended/)
    await assert.rejects(hash.digest(), /hash was ended/)
    hash.end()
  })
})
