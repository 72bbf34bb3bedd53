/**
 * 2 GB from process to process: the receiver is killed at a quarter, a new one goes on from there, the hash is right, and
 * neither side ever takes 256 MB. By mesh streams, and by bulk lines with a mesh key. A minute and 4 GB of disk: only in
 * `npm run test:all`.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { hashFile } from '../files/hash-file.ts'
import { generateSwarmKey } from '../mesh/make-swarm-key.ts'
import { systemClock } from '../node/host/system-clock.ts'
import { asSha256 } from '../protocol/ids.ts'
import { startBlobProcess } from '../testing/hostile/blob-process.ts'

const BYTES = 2_000_000_000
const RSS_MAX_BYTES = 256_000_000
const video = '00000000000000aa'

for (const lines of [false, true])
  it(
    `moves 2 GB ${lines ? 'by bulk lines' : 'by mesh streams'}, cut at a quarter and resumed, in less than 256 MB on both sides`,
    {
      timeout: 240_000,
    },
    (t) => moves(t, lines),
  )

async function moves(t: TestContext, lines: boolean): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'reelmesh-2gb-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const swarmKey = generateSwarmKey()
  const children: { kill(signal: 'SIGKILL'): unknown }[] = []
  t.after(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  const start = async (name: string, known: string[] = []) => {
    const started = await startBlobProcess({
      dataDir: join(root, name),
      join: known,
      lines,
      ...(lines && { swarmKey }),
    })
    children.push(started.child)
    return started
  }
  const giver = await start('giver')
  const { sha256, bytes } = await giver.ask({ do: 'make', bytes: BYTES, video })
  assert.equal(bytes, BYTES)

  const first = await start('taker', giver.addresses)
  await first.connected(giver.self)
  const fetching = assert.rejects(first.ask({ do: 'fetch', sha256, bytes, video, holder: giver.self }))
  const fetchArea = join(root, 'taker', 'store', 'fetching')
  for (let came = 0; came < BYTES / 4; came = await partialBytes(fetchArea)) await systemClock.sleep(20)
  const firstPeak = await first.peakRssBytes()
  first.child.kill('SIGKILL')
  await fetching
  const cutAt = await partialBytes(fetchArea)
  assert.ok(cutAt > BYTES / 4 && cutAt < BYTES * 0.8, `cut at ${cutAt}`)

  const second = await start('taker', giver.addresses)
  await second.connected(giver.self)
  const { path, ms } = await second.ask({ do: 'fetch', sha256, bytes, video, holder: giver.self })
  assert.equal((await hashFile(String(path))).sha256, asSha256(String(sha256)))
  const peaks = [await giver.peakRssBytes(), firstPeak, await second.peakRssBytes()]
  t.diagnostic(
    `cut at ${(cutAt / BYTES).toFixed(2)}; the rest at ${((BYTES - cutAt) / Number(ms) / 1e3).toFixed(0)} MB/s`,
  )
  t.diagnostic(
    `peak RSS of giver, first and second taker: ${peaks.map((each) => (each / 1e6).toFixed(0)).join(', ')} MB`,
  )
  for (const peak of peaks) assert.ok(peak < RSS_MAX_BYTES, `${peak} bytes`)
}

async function partialBytes(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(
    async (name) => (await stat(join(folder, name)).catch(() => null))?.size ?? 0,
  )
  return Math.max(0, ...(await Promise.all(sizes)))
}
