/** Which parts an attempt lists, beside those of an attempt before. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANN, BOB, claim, claimedTask, own, theTask } from '../../protocol/conformance/ledger/world.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { asSha256, type PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { Task } from '../../protocol/task.ts'
import { createSoundPartList } from './sound-part-list.ts'

/** The taker of an attempt of this peer, whose files hold a letter each. */
function lister(ledger: Ledger, task: Task, self: PeerId) {
  const store = {
    put: async (_: unknown, path: string) => ({
      sha256: asSha256(path.charCodeAt(0).toString(16).repeat(32)),
      bytes: 1,
    }),
  }
  const list = createSoundPartList({ self, store, ledger, log: silentLog }, { task, attempt: task.attempt })
  let made = 0
  /** Takes parts with these letters, one behind the other. */
  return (letters: string) =>
    list.take(
      [...letters].map((path) => ({
        path,
        sound: { track: 1, part: ++made, codecs: 'opus', timescale: 48_000, init: 0, start: 0, segments: [[1, 1]] },
      })),
    )
}

async function stage() {
  const ledger = createLedgerModel({ now: () => 1_000_000, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  const task = await claimedTask(ledger)
  const listed = async () =>
    (await theTask(ledger, task._id)).outputs.map(({ path, sha256, holders }) => {
      const names = holders.map((peer) => (peer === ANN ? 'Ann' : 'Bob'))
      return [path.slice(-1), Buffer.from(sha256, 'hex').toString('latin1', 0, 1), ...names].join(' ')
    })
  const again = async () => {
    await ledger.release(own(task))
    return await claim(ledger, task, BOB)
  }
  return { ledger, task, listed, again }
}

test('an attempt that makes the same parts as the one before holds them too, and goes on behind them', async () => {
  const { ledger, task, listed, again } = await stage()
  await lister(ledger, task, ANN)('ab')
  const take = lister(ledger, await again(), BOB)
  await take('a')
  assert.deepEqual(await listed(), ['1 a Ann Bob', '2 b Ann'])
  await take('bc')
  assert.deepEqual(await listed(), ['1 a Ann Bob', '2 b Ann Bob', '3 c Bob'])
})

test('an attempt that makes others replaces all, but not before it has come as far', async () => {
  const { ledger, task, listed, again } = await stage()
  await lister(ledger, task, ANN)('abc')
  const take = lister(ledger, await again(), BOB)
  await take('a')
  await take('x')
  assert.deepEqual(await listed(), ['1 a Ann Bob', '2 b Ann', '3 c Ann'])
  await take('yz')
  assert.deepEqual(await listed(), ['1 a Bob', '2 x Bob', '3 y Bob', '4 z Bob'])
  await take('w')
  assert.equal((await listed()).at(-1), '5 w Bob')
})

test('an attempt that was superseded lists no more', async () => {
  const { ledger, task, listed, again } = await stage()
  const take = lister(ledger, task, ANN)
  await take('a')
  await again()
  await assert.rejects(take('b'), /superseded/)
  assert.deepEqual(await listed(), ['1 a Ann'])
})
