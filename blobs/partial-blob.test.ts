import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sha256Of } from '../protocol/conformance/blobs.ts'
import { asPeerId } from '../protocol/ids.ts'
import { PartialBlob } from './partial-blob.ts'

const MiB = 1024 * 1024
const sender = asPeerId(`12D3KooW${'A'.repeat(44)}`)

async function partialOf(t: TestContext, content: Uint8Array) {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-partial-'))
  const partial = new PartialBlob(join(dir, 'part'), { sha256: sha256Of(content), bytes: content.byteLength })
  t.after(async () => {
    partial.close()
    await rm(dir, { recursive: true })
  })
  return partial
}

/** Pieces of odd sizes in one piece of memory, which is written over for the next. */
async function* pieces(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(size)
  for (let at = 0; at < content.byteLength; at += size) {
    const part = content.subarray(at, at + size)
    memory.set(part)
    yield memory.subarray(0, part.byteLength)
    memory.fill(0)
  }
}

describe('a partial blob', () => {
  for (const [where, bytes] of [
    ['on the event loop', 5 * MiB + 7],
    ['in a thread', 64 * MiB + 7],
  ] as const) {
    it(`keeps its file, length and hash together, through a restart and a resume, hashed ${where}`, async (t) => {
      const content = crypto.getRandomValues(Buffer.alloc(64 * 1024))
      const whole = Buffer.alloc(bytes, content)
      const partial = await partialOf(t, whole)
      await partial.append(pieces(whole.subarray(0, 4 * MiB + 1), 100_001), sender)
      await partial.restart()
      assert.deepEqual([partial.offset, [...partial.senders]], [0, []])
      await partial.append(pieces(whole.subarray(0, 3 * MiB - 1), 65_537), sender)
      assert.equal(partial.offset, 3 * MiB - 1)
      assert.equal(await partial.hasRightHash(), false)
      const next = new PartialBlob(partial.path, partial.want)
      t.after(() => next.close())
      await next.resume(new AbortController().signal)
      await next.append(pieces(whole.subarray(next.offset), MiB + 1), sender)
      assert.deepEqual([next.isWhole(), await next.hasRightHash()], [true, true])
      assert.deepEqual([...next.senders], [null, sender])
      assert.ok(whole.equals(await readFile(next.path)))
    })
  }

  it('keeps what arrived before its sender broke off', async (t) => {
    const content = crypto.getRandomValues(Buffer.alloc(64 * 1024))
    const partial = await partialOf(t, content)
    const breaking = async function* () {
      yield content.subarray(0, 10_000)
      throw new Error('cut')
    }
    await assert.rejects(partial.append(breaking(), sender), /cut/)
    assert.equal(partial.offset, 10_000)
    await partial.append(pieces(content.subarray(10_000), 1_000), sender)
    assert.equal(await partial.hasRightHash(), true)
  })

  it('starts over where the file on the disk has more bytes than the blob', async (t) => {
    const content = crypto.getRandomValues(Buffer.alloc(1_000))
    const partial = await partialOf(t, content)
    await writeFile(partial.path, Buffer.alloc(1_001))
    await partial.resume(new AbortController().signal)
    assert.deepEqual([partial.offset, partial.senders.size], [0, 0])
    await partial.append(pieces(content, 999), sender)
    assert.equal(await partial.hasRightHash(), true)
  })
})
