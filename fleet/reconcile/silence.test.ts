/** Which silence counts against a worker: its own, and not that of the engine's owner. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { asPeerId } from '../../protocol/ids.ts'
import { RECONCILE_MS, WORKER_VANISHED_MS } from '../../protocol/limits.ts'
import { Stage } from './reconcile.fixture.ts'

describe('the owner of an engine that does not hear a worker', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })

  test('removes and replaces a worker that vanished', async () => {
    const owner = await stage.ownerOf(2)
    stage.hearWorkers()
    await stage.pass(owner, WORKER_VANISHED_MS + RECONCILE_MS, () => stage.hearWorkers(['auto-00000000']))
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001', 'auto-00000002'],
    )
    assert.ok(
      (await stage.events()).some((text) =>
        text.startsWith('worker_gone: auto-00000000 was removed: no heartbeat from its peer for 32 s'),
      ),
    )
  })

  test('replaces the only worker there is as well', async () => {
    const owner = await stage.ownerOf(1)
    stage.hearWorkers()
    await stage.pass(owner, WORKER_VANISHED_MS + RECONCILE_MS)
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001'],
    )
  })

  test('removes no worker for silence during its own suspension', async () => {
    for (const wanted of [1, 3]) {
      stage = new Stage()
      const owner = await stage.ownerOf(wanted)
      await stage.pass(owner, 10_000, () => stage.hearWorkers())
      const before = stage.workers.map(({ name }) => name)
      stage.now += 40_000
      await owner.round()
      // The first to be heard again says nothing about the others.
      stage.hear(asPeerId(`peer ${before[0]}`), before[0]!)
      await stage.pass(owner, 4_000)
      await stage.pass(owner, 60_000, () => stage.hearWorkers())
      assert.deepEqual(
        stage.workers.map(({ name }) => name),
        before,
      )
    }
  })

  test('removes no worker when it is suspended between two answers of its engine', async () => {
    const owner = await stage.ownerOf(2)
    await stage.pass(owner, 10_000, () => stage.hearWorkers())
    const { list } = stage.launcher
    stage.launcher.list = async () => {
      stage.now += 40_000
      return list()
    }
    await owner.round()
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000000', 'auto-00000001'],
    )
  })

  test('removes no worker while it is cut off from the mesh, and afterwards those that do not return once it hears others', async () => {
    const owner = await stage.ownerOf(3)
    await stage.pass(owner, 10_000, () => stage.hearWorkers())
    await stage.pass(owner, 600_000)
    assert.equal(stage.workers.length, 3)
    await stage.pass(owner, WORKER_VANISHED_MS + RECONCILE_MS, () => stage.hearWorkers(['auto-00000001']))
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000000', 'auto-00000002', 'auto-00000003'],
    )
  })

  test('gives workers that it has not heard yet their time when it has just started', async () => {
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
