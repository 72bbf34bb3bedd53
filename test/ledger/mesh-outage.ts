/** A mesh of two nodes whose database goes away in the middle of a video, and comes back: what holds for any length of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ensureSource } from '../../testing/sources/make.ts'
import { folder } from '../../testing/tools/folder.ts'
import type { Mongod } from '../../testing/tools/mongod.ts'
import { runCli } from '../../testing/tools/run-cli.ts'
import { auditDone, hashesBelow, isRunning, startSmallNode, until } from './small-mesh.ts'

/** Status must show an outage within this. */
const SHOWN_S = 10
/** What the driver takes to find the server again, and the lease and the claims after it. */
const RECOVERED_S = 60

export async function outlives(
  t: TestContext,
  mongod: Mongod,
  of: { source: string; preset: string; ledger?: string; away(): Promise<void>; isShown: boolean },
): Promise<void> {
  const dir = await folder(t)
  const source = await ensureSource(of.source)
  const undisturbedOut = join(dir, 'undisturbed')
  const recipe = ['--preset', of.preset, '--renditions', '480p', '--upscale']
  const undisturbed = await runCli(['run', source, '--out', undisturbedOut, '--workers', '1', ...recipe], {
    cwd: dir,
    dataDir: join(dir, 'undisturbed-data'),
  })
  assert.equal(undisturbed.code, 0, undisturbed.stderr)

  const ledger = of.ledger ?? mongod.freshUri()
  const first = await startSmallNode(t, { dir, name: 'first', ledger })
  const second = await startSmallNode(t, { dir, name: 'second', ledger, join: first.address })
  const nodes = [first, second]
  const out = join(dir, 'out')
  const video = await first.submit(source, out, of.preset)
  await until('both nodes encode', 30, async () => {
    const { peers } = await first.status()
    return peers.filter(({ running }) => running.length > 0).length === 2
  })

  let isAway = true
  const outage = of.away().finally(() => {
    isAway = false
  })
  if (of.isShown) {
    const shown = await until(
      'status says that the ledger is away',
      SHOWN_S,
      async () => (await first.status()).ledger.away,
    )
    assert.ok(isAway, 'it was back before anyone noticed')
    assert.match(shown, /MongoDB 127\.0\.0\.1:\d+/)
    const people = await runCli(['status'], { cwd: dir, dataDir: join(dir, 'second') })
    assert.match(people.stdout, /ledger unavailable: /)
    assert.ok(people.seconds < SHOWN_S, `status took ${people.seconds} s`)
  }
  await outage
  await until('status says that the ledger is back and who leads', RECOVERED_S, async () => {
    const { ledger: now, leader } = await first.status()
    return now.away === null && leader !== null
  })
  await until('the video is delivered', 2 * RECOVERED_S, async () => {
    const { videos } = await first.status()
    return videos.find(({ id }) => id === video)?.deliveries.every(({ done_at }) => done_at !== null)
  })
  await auditDone(first, video)
  assert.deepEqual(await hashesBelow(out), await hashesBelow(undisturbedOut), 'the bytes of an undisturbed run')
  for (const node of nodes) {
    assert.ok(isRunning(node), `${node.name} ended: ${node.log()}`)
    assert.doesNotMatch(node.log(), /This is a bug|nhandled|"level":50/, node.name)
  }
}
