/** What was read of a source counts only where no other file can have lain there meanwhile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FoundBlob } from '../../protocol/blobs.ts'
import { sha256Of, videoNumber } from '../../protocol/conformance/blobs.ts'
import { AttemptFailed, SourceChanged } from '../../protocol/errors.ts'
import { asPeerId } from '../../protocol/ids.ts'
import { openSourceReader } from './source-reader.ts'

/** A source that lies at `/film` with the identity `1`, until the test changes that. */
async function world() {
  const now = {
    found: { path: '/film', identity: '1' } as FoundBlob | null,
    /** Where the next fetch finds it; null: nowhere. */
    fetched: '/film' as string | null,
  }
  const controller = new AbortController()
  const reader = await openSourceReader({
    video: { _id: videoNumber(1), source: { sha256: sha256Of('film'), bytes: 4, holders: [asPeerId('me')] } },
    store: { lookUp: async () => now.found },
    exchange: {
      fetch: async ({ isRead }) => {
        assert.ok(isRead)
        if (now.fetched === null) throw new SourceChanged('film.mp4')
        return now.fetched
      },
    },
    signal: controller.signal,
  })
  let acts = 0
  /** Reads, and does `during` at the first time. */
  const read = (during: () => void, again: () => void = () => {}) =>
    reader.read(async () => {
      if (acts++ === 0) during()
      else again()
      return acts
    })
  return { now, reader, read, controller, acts: () => acts }
}

const change = ({ now }: Awaited<ReturnType<typeof world>>, found: FoundBlob | null, fetched: string | null = null) =>
  Object.assign(now, { found, fetched })

describe('a read of the source', () => {
  it('answers and fails as what reads it, while the source stays the same', async () => {
    const { reader } = await world()
    assert.deepEqual(await reader.read(async (path) => [path, 7]), ['/film', 7])
    await assert.rejects(
      reader.read(() => Promise.reject(new Error('of its own'))),
      /of its own/,
    )
  })

  it('is made again where the identity is another and the bytes are the same: they may have been others meanwhile', async () => {
    const it = await world()
    const read = it.read(() => change(it, { path: '/film', identity: '2' }, '/film'))
    assert.equal(await read, 2)
  })

  it('is made again where it failed of that', async () => {
    const it = await world()
    const read = it.read(() => {
      change(it, { path: '/film', identity: '2' }, '/film')
      throw new Error('a film without an end')
    })
    assert.equal(await read, 2)
  })

  it('is made again at the path of an equal file that was submitted meanwhile', async () => {
    const it = await world()
    const paths: string[] = []
    await it.reader.read(async (path) => {
      paths.push(path)
      change(it, { path: '/copy', identity: '2' }, '/copy')
    })
    assert.deepEqual(paths, ['/film', '/copy'])
  })

  it('ends with the sentence where the source is another file, whatever was read of it', async () => {
    const it = await world()
    await assert.rejects(
      it.read(() => change(it, null)),
      SourceChanged,
    )
    await assert.rejects(
      it.read(() => assert.fail('read once')),
      (error) => error instanceof SourceChanged && !error.retryable,
    )
  })

  it('leaves the copy of another peer to the next attempt', async () => {
    const it = await world()
    await assert.rejects(
      it.read(() => change(it, null, '/store/copy')),
      (error) => error instanceof AttemptFailed && error.code === 'input_missing',
    )
  })

  it('is given up where the identity never stays', async () => {
    const it = await world()
    let identity = 1
    const next = () => void change(it, { path: '/film', identity: `${++identity}` }, '/film')
    await assert.rejects(it.read(next, next), AttemptFailed)
    assert.ok(it.acts() < 10)
  })

  it('ends with the reason of the signal', async () => {
    const it = await world()
    await assert.rejects(
      it.read(() => it.controller.abort(new Error('stopped'))),
      /stopped/,
    )
  })
})
