/** When a file is probed again. */
import assert from 'node:assert/strict'
import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder } from '../testing/tools/folder.ts'
import { ProbeCache } from './probe-cache.ts'

async function files(t: Parameters<typeof folder>[0], ...names: string[]) {
  const dir = await folder(t)
  const paths = names.map((name) => join(dir, name))
  for (const path of paths) await writeFile(path, 'one')
  return paths
}

test('a file is probed once, and again when it was replaced, written over or only touched', async (t) => {
  const [path, other] = (await files(t, 'film', 'other')) as [string, string]
  const cache = new ProbeCache<number>(2)
  let reads = 0
  const probe = () => cache.probe(path, async () => ++reads)
  assert.deepEqual([await probe(), await probe()], [1, 1])
  await rename(other, path)
  assert.equal(await probe(), 2)
  await writeFile(path, 'two')
  // The old times do not hide it: the time of the change is another.
  await utimes(path, 1, 1)
  assert.deepEqual([await probe(), await probe()], [3, 3])
})

test('a file that changes while it is probed is probed again, and a failure is not kept', async (t) => {
  const [path] = (await files(t, 'film')) as [string]
  const cache = new ProbeCache<string>(2)
  await assert.rejects(
    cache.probe(path, () => Promise.reject(new Error('no video'))),
    /no video/,
  )
  const first = await cache.probe(path, async () => {
    await writeFile(path, 'longer')
    return 'first'
  })
  assert.deepEqual([first, await cache.probe(path, async () => 'second')], ['first', 'second'])
})

test('a probe that runs serves all who ask meanwhile, and its failure is not theirs', async (t) => {
  const [path] = (await files(t, 'film')) as [string]
  const cache = new ProbeCache<string>(2)
  /** A probe that has begun, and how it ends. */
  const begin = async () => {
    const [read, began] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()]
    const probe = cache.probe(path, () => {
      began.resolve()
      return read.promise
    })
    await began.promise
    return { probe, ...read }
  }
  const first = await begin()
  const second = cache.probe(path, async () => 'second')
  first.resolve('first')
  assert.deepEqual(await Promise.all([first.probe, second]), ['first', 'first'])
  await writeFile(path, 'other')
  const stopped = await begin()
  const own = cache.probe(path, async () => 'own')
  stopped.reject(new Error('stopped'))
  await assert.rejects(stopped.probe, /stopped/)
  assert.deepEqual([await own, await cache.probe(path, async () => 'again')], ['own', 'own'])
})

test('only the latest files are remembered', async (t) => {
  const paths = await files(t, 'a', 'b', 'c')
  const cache = new ProbeCache<number>(2)
  for (const path of paths) await cache.probe(path, async () => 1)
  const again = await Promise.all(paths.toReversed().map((path) => cache.probe(path, async () => 2)))
  assert.deepEqual(again, [1, 1, 2])
})
