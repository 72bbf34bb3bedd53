/** The disk store passes the rules; its loop stays free while it hashes; what dead processes left is tidied. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs, { access, mkdir, mkdtemp, open, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { identityAt } from '../files/file-hashes.ts'
import { blobStoreConformance, sha256Of, videoNumber } from '../protocol/conformance/blobs.ts'
import { AttemptFailed } from '../protocol/errors.ts'
import { PARTIAL_RETENTION_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import { createBlobStore, onDisk } from './blob-store.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'reelmesh-store-'))

blobStoreConformance('on a disk', async () => {
  const dir = await newFolder()
  const options = { dir, log: silentLog }
  const [store, other] = [await createBlobStore(options), await createBlobStore(options)]
  const identityOf = async (path: string) => (await identityAt(path))!
  return { store, other, identityOf, close: () => rm(dir, { recursive: true }) }
})

describe('the disk store', () => {
  let dir: string
  before(async () => {
    dir = await newFolder()
  })
  after(() => rm(dir, { recursive: true }))

  it('hashes 256 MiB without holding up the event loop for 50 ms', async (t) => {
    const store = await createBlobStore({ dir, log: silentLog })
    const path = join(await store.scratch('big'), 'big')
    const file = await open(path, 'w')
    for (let at = 0; at < 16; at++) await file.write(Buffer.alloc(16 * 1024 * 1024, at))
    await file.close()
    const loop = watchLoop()
    await store.put(videoNumber(1), path)
    const longestMs = loop.stop()
    t.diagnostic(`longest turn of the loop: ${longestMs.toFixed(1)} ms of CPU`)
    assert.ok(longestMs < 50, `${longestMs} ms`)
  })

  it('holds what it is given for its user alone', async () => {
    const store = await createBlobStore({ dir, log: silentLog })
    const path = join(await store.scratch('open'), 'open')
    await writeFile(path, 'a result', { mode: 0o644 })
    const { sha256 } = await store.put(videoNumber(4), path)
    assert.equal((await stat((await store.find(sha256)) ?? '')).mode & 0o777, 0o600)
  })

  it('links a blob of one video into another, so that pruning the first removes nothing of it', async () => {
    const store = await createBlobStore({ dir, log: silentLog })
    const [one, two] = [videoNumber(2), videoNumber(3)]
    const path = join(await store.scratch('x'), 'x')
    await writeFile(path, 'shared')
    const { sha256 } = await store.put(one, path)
    const kept = await store.findOrLink(sha256, two)
    await store.prune(one, new Set())
    assert.ok(kept?.includes(two))
    assert.equal(await store.verify(sha256, two), true)
  })

  it('tidies scratch folders and frees partial files of processes that are gone, and only those', async () => {
    const store = await createBlobStore({ dir, log: silentLog })
    const gone = spawnSync(process.execPath, ['-e', 'console.log(process.pid)']).stdout.toString().trim()
    const mine = await store.scratch('mine')
    const [dead, earlier, living] = [`${gone}-dead-1`, `${process.pid}-earlier-life`, `${process.ppid}-living-1`]
    for (const name of [dead, earlier, living]) await mkdir(join(dir, 'scratch', name))
    const [left, busy] = [sha256Of('left'), sha256Of('busy')]
    await writeFile(join(dir, 'fetching', `${left}.${gone}`), 'part')
    await writeFile(join(dir, 'fetching', `${busy}.${process.ppid}`), 'part')
    await store.tidy()
    await access(mine)
    const names = await readdir(join(dir, 'scratch'))
    assert.ok(!names.includes(dead) && !names.includes(earlier) && names.includes(living))
    assert.deepEqual((await readdir(join(dir, 'fetching'))).sort(), [left, `${busy}.${process.ppid}`].sort())
  })

  it('leaves a scratch folder alone that is on the disk and not yet known to its maker', async (t) => {
    const [store, other] = await Promise.all([1, 2].map(() => createBlobStore({ dir, log: silentLog })))
    const [onDisk, listed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { mkdtemp: make, readdir: list } = fs
    t.mock.method(fs, 'mkdtemp', async (prefix: string) => {
      const path = await make(prefix)
      onDisk.resolve()
      await listed.promise
      return path
    })
    t.mock.method(fs, 'readdir', async (path: string) => {
      const names = await list(path)
      if (basename(path) === 'scratch') listed.resolve()
      return names
    })
    syncBuiltinESMExports()
    const made = store!.scratch('slow')
    await onDisk.promise
    await other!.tidy()
    await access(await made)
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })

  it('loses none of 10,000 scratch folders that are made while it is tidied', async () => {
    const store = await createBlobStore({ dir, log: silentLog })
    const making = new AbortController()
    const tidying = (async () => {
      while (!making.signal.aborted) await store.tidy()
    })()
    const lost: string[] = []
    const makeSome = async () => {
      for (let made = 0; made < 2_500; made++) {
        const path = await store.scratch('stress')
        await rmdir(path).catch(() => lost.push(path))
      }
    }
    await Promise.all(Array.from({ length: 4 }, makeSome))
    making.abort()
    await tidying
    assert.deepEqual(lost, [])
  })

  it('removes partial files that no fetch continued, and references that were never complete', async () => {
    const store = await createBlobStore({ dir, log: silentLog })
    const [left, busy] = [sha256Of('left'), `${sha256Of('busy')}.${process.ppid}`]
    await writeFile(join(dir, 'fetching', left), 'part')
    await writeFile(join(dir, 'fetching', busy), 'part')
    const torn = `${videoNumber(7)}.json.${process.pid}.0`
    const writing = `${videoNumber(8)}.json.${process.ppid}.0`
    for (const name of [torn, writing]) await writeFile(join(dir, 'refs', name), '{')
    const { mtimeMs } = await stat(join(dir, 'fetching', left))
    await store.tidy(mtimeMs + PARTIAL_RETENTION_MS)
    assert.ok((await readdir(join(dir, 'fetching'))).includes(left))
    const refs = await readdir(join(dir, 'refs'))
    assert.ok(!refs.includes(torn) && refs.includes(writing))
    await store.tidy(mtimeMs + PARTIAL_RETENTION_MS + 1)
    const names = await readdir(join(dir, 'fetching'))
    assert.ok(!names.includes(left) && names.includes(busy))
  })

  it('calls a full disk by the name the ledger knows', async () => {
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    await assert.rejects(
      onDisk(() => Promise.reject(full)),
      (error) => error instanceof AttemptFailed && error.code === 'disk_full',
    )
  })
})

/**
 * The longest turn of the event loop, in CPU time of this thread: what the code took, not what the machine gave to others
 * meanwhile.
 */
function watchLoop(): { stop(): number } {
  let longestMs = 0
  let before = process.threadCpuUsage()
  let turn: NodeJS.Immediate
  const look = () => {
    const { user, system } = process.threadCpuUsage(before)
    longestMs = Math.max(longestMs, (user + system) / 1_000)
    before = process.threadCpuUsage()
    turn = setImmediate(look)
  }
  turn = setImmediate(look)
  return {
    stop: () => {
      clearImmediate(turn)
      return longestMs
    },
  }
}
