/** Whose silence a keeper holds against its workers: theirs, and not its own. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { asPeerId } from '../../protocol/ids.ts'
import { RECONCILE_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import { Stage } from './reconcile.fixture.ts'

describe('a keeper that hears nothing of a worker', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })

  test('a vanished worker is removed and replaced', async () => {
    const mine = await stage.ownerOf(2)
    stage.hearWorkers()
    await stage.pass(mine, WORKER_VANISHED_MS + RECONCILE_MS, () => stage.hearWorkers(['auto-00000000']))
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001', 'auto-00000002'],
    )
    assert.ok(
      (await stage.events()).some((text) =>
        text.startsWith('worker_gone: auto-00000000 was removed: its peer was not heard for 32 s'),
      ),
    )
  })

  test('the only worker there is, vanished, is replaced as well', async () => {
    const mine = await stage.ownerOf(1)
    stage.hearWorkers()
    await stage.pass(mine, WORKER_VANISHED_MS + RECONCILE_MS)
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001'],
    )
  })

  test('a keeper that stood still removes nobody for the silence it heard', async () => {
    for (const wanted of [1, 3]) {
      stage = new Stage()
      const mine = await stage.ownerOf(wanted)
      await stage.pass(mine, 10_000, () => stage.hearWorkers())
      const before = stage.workers.map(({ name }) => name)
      stage.now += 40_000
      await mine.round()
      // The first to be heard again says nothing about the others.
      stage.hear(asPeerId(`peer ${before[0]}`), before[0]!)
      await stage.pass(mine, 4_000)
      await stage.pass(mine, 60_000, () => stage.hearWorkers())
      assert.deepEqual(
        stage.workers.map(({ name }) => name),
        before,
      )
    }
  })

  test('a keeper that stands still between two answers of its engine removes nobody', async () => {
    const mine = await stage.ownerOf(2)
    await stage.pass(mine, 10_000, () => stage.hearWorkers())
    const { list } = stage.launcher
    stage.launcher.list = async () => {
      stage.now += 40_000
      return list()
    }
    await mine.round()
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000000', 'auto-00000001'],
    )
  })

  test('a keeper that is cut off from the mesh removes nobody, and those who do not come back once it hears others', async () => {
    const mine = await stage.ownerOf(3)
    await stage.pass(mine, 10_000, () => stage.hearWorkers())
    await stage.pass(mine, 600_000)
    assert.equal(stage.workers.length, 3)
    await stage.pass(mine, WORKER_VANISHED_MS + RECONCILE_MS, () => stage.hearWorkers(['auto-00000001']))
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000000', 'auto-00000002', 'auto-00000003'],
    )
  })

  test('a keeper that has just started gives those it has not heard yet their time', async () => {
    await stage.reconciler().round()
    await stage.want(1)
    await stage.reconciler().round()
    stage.now += 3_600_000
    await stage.reconciler().round()
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000000'],
    )
  })
})
