import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { asPeerId } from '../../protocol/ids.ts'
import { EngineUnavailable, LaunchRefused } from '../../protocol/launcher.ts'
import { ENGINE_PEERS_MAX, ENGINE_STANDBY_MS, ENGINE_TROUBLE_MS, RECONCILE_MS } from '../../protocol/limits.ts'
import { leaveEngines } from './engine-owner.ts'
import { ANN, BOB, Stage } from './reconcile.fixture.ts'

describe('an engine', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  /** Its workers are healthy, and Bob reaches another engine. `hear`: all of them are heard. */
  async function healthyBesideAnother(wanted: number) {
    const owner = await stage.ownerOf(wanted)
    await stage.ledger.addEnginePeer('other engine', BOB)
    const hear = () => {
      stage.hear(BOB, 'bob')
      stage.hearWorkers()
    }
    await stage.pass(owner, 40_000, hear)
    return { owner, hear }
  }

  test('is known in the ledger by who reaches it, and comes to run what is wanted, with the reason', async () => {
    const owner = stage.reconciler()
    await owner.round()
    assert.deepEqual(
      (await stage.ledger.engines()).map(({ _id, peers, wanted }) => [_id, peers, wanted]),
      [['engine', [ANN], 0]],
    )
    await stage.want(2)
    await owner.round()
    assert.deepEqual(
      stage.workers.map(({ name, reason }) => [name, reason]),
      [
        ['auto-00000000', 'a long queue'],
        ['auto-00000001', 'a long queue'],
      ],
    )
    await owner.round()
    assert.equal(stage.workers.length, 2)
    assert.deepEqual(await stage.events(), [
      'worker_started: auto-00000000 was started: a long queue',
      'worker_started: auto-00000001 was started: a long queue',
    ])
  })

  test('is owned by the smallest present peer that reaches it, and by the next when that one goes', async () => {
    const [ann, bob] = [stage.reconciler(ANN), stage.reconciler(BOB)]
    await ann.round()
    await bob.round()
    await stage.want(1)
    stage.hear(ANN, 'ann')
    await bob.round()
    assert.equal(stage.workers.length, 0)
    stage.now += 60_000
    await bob.round()
    assert.equal(stage.workers.length, 1)
    await ann.round()
    assert.equal(stage.workers.length, 1, 'what the other started is adopted')
  })

  test('never runs more than this peer allows, whatever the ledger says, and says so once', async () => {
    const owner = stage.reconciler(ANN, 3)
    await owner.round()
    await stage.want(50)
    await owner.round()
    assert.equal(stage.workers.length, 3)
    await stage.want(40)
    await owner.round()
    assert.deepEqual(
      (await stage.events()).filter((text) => !text.startsWith('worker_started')),
      ["fleet_capped: 50 workers are wanted here, 3 may run: scale_max of this peer is lower than the leader's"],
    )
    await stage.want(2)
    await owner.round()
    await stage.want(4)
    await owner.round()
    assert.match((await stage.events()).at(-1)!, /^fleet_capped: 4 workers/)
  })

  test('fewer wanted: a worker is drained, stays while it runs an attempt, and is removed once it has ended', async () => {
    const owner = await stage.ownerOf(1)
    const peer = asPeerId('peer auto-00000000')
    stage.hear(peer, 'auto-00000000', 1)
    await stage.want(0)
    for (let round = 0; round < 3; round++) await owner.round()
    assert.equal((await stage.ledger.peer(peer)).draining, true)
    assert.equal(stage.workers.length, 1)
    Object.assign(stage.workers[0]!, { state: 'ended', how: 'exit code 0', life_ms: 90_000 })
    await owner.round()
    assert.equal(stage.workers.length, 0)
    assert.equal((await stage.ledger.peer(peer)).draining, false)
    assert.equal((await stage.events()).at(-1), 'worker_drained: auto-00000000 was removed: drained')
  })

  test('more wanted again: the draining worker is kept', async () => {
    const owner = await stage.ownerOf(1)
    stage.hearWorkers()
    await stage.want(0)
    await owner.round()
    await stage.want(1)
    await owner.round()
    assert.equal((await stage.ledger.peer(asPeerId('peer auto-00000000'))).draining, false)
    assert.equal(stage.workers.length, 1)
  })

  test("a person's drain is not undone: the worker ends, and another is started in its place", async () => {
    const owner = await stage.ownerOf(1)
    stage.hearWorkers()
    const peer = asPeerId('peer auto-00000000')
    // As `reelmesh drain` says it.
    await stage.ledger.setPeer(peer, { draining: true, reason: 'draining' })
    await stage.pass(owner, 20_000, () => stage.hearWorkers())
    assert.equal((await stage.ledger.peer(peer)).draining, true)
    assert.equal(stage.workers.length, 1)
    Object.assign(stage.workers[0]!, { state: 'ended', how: 'exit code 0', life_ms: 20_000 })
    await owner.round()
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001'],
    )
    assert.ok((await stage.events()).includes('worker_drained: auto-00000000 was removed: drained'))
  })

  test('a worker that fails at once is reported, and not started in a loop: the waits grow', async () => {
    const owner = stage.reconciler()
    await owner.round()
    await stage.want(1)
    stage.diesAtOnce = true
    for (let second = 0; second < 600; second += 2) {
      await owner.round()
      stage.now += 2_000
    }
    const failed = (await stage.events()).filter((text) => text.startsWith('worker_failed'))
    assert.ok(failed.length >= 5 && failed.length <= 14, `${failed.length} starts in ten minutes`)
    assert.match(failed[0]!, /auto-\w+ failed after \d s: it ended: exit code 7; the next start waits 2 s/)
    stage.diesAtOnce = false
    stage.now += 300_000
    await owner.round()
    await owner.round()
    assert.equal(stage.workers.filter(({ state }) => state === 'running').length, 1)
  })

  test('a healthy worker resets the backoff only where it was started after the last failure', async () => {
    const owner = await stage.ownerOf(1)
    await stage.pass(owner, 60_000, () => stage.hearWorkers())
    stage.diesAtOnce = true
    await stage.want(2)
    await stage.pass(owner, 600_000, () => stage.hearWorkers())
    const failed = async () => (await stage.events()).filter((text) => text.startsWith('worker_failed'))
    const count = (await failed()).length
    assert.ok(count >= 5 && count <= 14, `${count} starts in ten minutes`)
    stage.diesAtOnce = false
    await stage.pass(owner, 300_000, () => stage.hearWorkers())
    assert.equal(stage.workers.length, 2)
    stage.diesAtOnce = true
    await stage.want(3)
    await owner.round()
    await owner.round()
    assert.match((await failed()).at(-1)!, /the next start waits 2 s/)
  })

  test('a worker that never joins is replaced after growing waits, and reported as one that failed', async () => {
    const owner = stage.reconciler()
    await owner.round()
    await stage.want(1)
    await stage.pass(owner, 1_200_000)
    const failed = (await stage.events()).filter((text) => text.startsWith('worker_failed'))
    assert.match(failed[0]!, /failed after 122 s: it did not join the mesh in 122 s; the next start waits 2 s/)
    assert.match(failed[2]!, /the next start waits 8 s/)
    // A program that ends because it cannot join runs longer than one that fails at once, and will fail again.
    Object.assign(stage.workers[0]!, { state: 'ended', how: 'exit code 1', life_ms: 45_000 })
    await owner.round()
    assert.match(
      (await stage.events()).at(-1)!,
      /^worker_failed: .* failed after 45 s: it ended: exit code 1; the next/,
    )
  })

  test('that does not answer, or refuses, is reported once, and once more when it recovers', async () => {
    const owner = stage.reconciler()
    stage.broken = new EngineUnavailable('there is no Docker socket at /var/run/docker.sock')
    await owner.round()
    await owner.round()
    stage.broken = null
    await owner.round()
    stage.broken = new LaunchRefused('the Docker engine has no image reelmesh: build or pull it there')
    await owner.round()
    assert.deepEqual(await stage.events(), [
      'engine_away: there is no Docker socket at /var/run/docker.sock; encoding continues',
      'engine_back: the engine can start and stop workers again',
      'launch_failed: the Docker engine has no image reelmesh: build or pull it there; encoding continues',
    ])
  })

  test('that cannot do what is wanted is left to others where there are any, and tried again after growing waits', async () => {
    const owner = await stage.ownerOf(1)
    stage.workers = []
    stage.broken = new LaunchRefused('the Docker engine has no image reelmesh')
    const reachedBy = async () => (await stage.ledger.engines()).map(({ _id, peers }) => [_id, peers])
    await stage.pass(owner, 2 * ENGINE_TROUBLE_MS)
    assert.deepEqual(await reachedBy(), [['engine', [ANN]]], 'nobody else could')
    await stage.ledger.addEnginePeer('other engine', BOB)
    const hear = () => stage.hear(BOB, 'bob')
    await stage.pass(owner, 4_000, hear)
    assert.deepEqual(await reachedBy(), [
      ['engine', []],
      ['other engine', [BOB]],
    ])
    assert.match((await stage.events()).at(-1)!, /^engine_left: engine engine cannot run the workers that are wanted/)
    await stage.pass(owner, ENGINE_STANDBY_MS.base - 6_000, hear)
    assert.deepEqual((await reachedBy())[0], ['engine', []])
    await stage.pass(owner, 10_000, hear)
    assert.deepEqual((await reachedBy())[0], ['engine', [ANN]])
    await stage.pass(owner, ENGINE_TROUBLE_MS + ENGINE_STANDBY_MS.base + 10_000, hear)
    assert.deepEqual((await reachedBy())[0], ['engine', []], 'twice as long')
    assert.equal(
      (await stage.events()).filter((text) => text.startsWith('engine_back')).length,
      0,
      'nothing was started',
    )
    stage.broken = null
    await stage.pass(owner, ENGINE_STANDBY_MS.base, hear)
    assert.deepEqual((await reachedBy())[0], ['engine', [ANN]])
    assert.equal(stage.workers.length, 1)
    assert.equal((await stage.events()).filter((text) => text.startsWith('engine_back')).length, 1)
  })

  test('that fails is tried again at once when no other peer is left', async () => {
    const owner = await stage.ownerOf(1)
    stage.workers = []
    stage.broken = new LaunchRefused('the Docker engine has no image reelmesh')
    await stage.ledger.addEnginePeer('other engine', BOB)
    await stage.pass(owner, ENGINE_TROUBLE_MS + 4_000, () => stage.hear(BOB, 'bob'))
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [])
    stage.broken = null
    stage.now += 20_000
    await owner.round()
    assert.equal(stage.workers.length, 1)
  })

  test('is not left for a refused start beside healthy workers, and these are not drained because the engine did not answer', async () => {
    const { owner, hear } = await healthyBesideAnother(2)
    const { start } = stage.launcher
    stage.launcher.start = async () => {
      throw new LaunchRefused('the Docker engine has no image reelmesh')
    }
    await stage.want(3)
    await stage.pass(owner, 2 * ENGINE_TROUBLE_MS, hear)
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [ANN])

    stage.launcher.start = start
    stage.broken = new EngineUnavailable('its host is cut off')
    await stage.pass(owner, 2 * ENGINE_TROUBLE_MS, hear)
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [])
    await stage.want(0)
    stage.broken = null
    await owner.round()
    await stage.want(2)
    await stage.pass(owner, 20_000, hear)
    assert.equal(stage.workers.length, 2)
    assert.deepEqual(
      (await stage.ledger.peers()).filter(({ draining }) => draining),
      [],
    )
  })

  test('is left where it refuses every request, though its last worker was healthy', async () => {
    const { owner, hear } = await healthyBesideAnother(1)
    stage.broken = new LaunchRefused('the Docker engine refused: 503')
    await stage.pass(owner, ENGINE_TROUBLE_MS + 4_000, hear)
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [])
  })

  test('that very many peers reach drains its surplus all the same', async () => {
    const owner = await stage.ownerOf(2)
    await stage.pass(owner, 40_000, () => stage.hearWorkers())
    const others = Array.from({ length: ENGINE_PEERS_MAX + 2 }, (_, n) => asPeerId(`peer Z${n}`))
    const hear = () => {
      stage.hearWorkers()
      for (const peer of others) stage.hear(peer, peer)
    }
    await stage.want(0)
    for (let round = 0; round < 10; round++) {
      for (const peer of others) await stage.ledger.addEnginePeer('engine', peer)
      await stage.pass(owner, RECONCILE_MS, hear)
    }
    assert.equal((await stage.ledger.peers()).filter(({ draining }) => draining).length, 2)
  })

  test('that does not answer when its peer starts is left to others, whatever an earlier process recorded', async () => {
    await stage.ledger.addEnginePeer('engine', ANN)
    await stage.ledger.addEnginePeer('other engine', BOB)
    const owner = stage.reconciler()
    stage.broken = new EngineUnavailable('there is no Docker socket')
    await stage.pass(owner, ENGINE_TROUBLE_MS + 4_000, () => stage.hear(BOB, 'bob'))
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [])
    stage.broken = null
    await owner.round()
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [ANN])
  })

  test('that did not answer is owned again as soon as it does; another peer that reaches it owns it meanwhile', async () => {
    const [ann, bob] = [await stage.ownerOf(1), stage.reconciler(BOB)]
    await bob.round()
    stage.broken = new EngineUnavailable('its socket is gone')
    await stage.pass(ann, ENGINE_TROUBLE_MS + 4_000, () => stage.hear(BOB, 'bob'))
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [BOB])
    stage.broken = null
    stage.workers = []
    stage.hear(ANN, 'ann')
    await bob.round()
    assert.equal(stage.workers.length, 1, 'Bob owns it though Ann is present')
    await ann.round()
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [BOB, ANN])
  })

  test('of an earlier process, or of another configuration, is left when the peer starts', async () => {
    await stage.ledger.addEnginePeer('old engine', ANN)
    await stage.ledger.addEnginePeer('old engine', BOB)
    await stage.reconciler(ANN).round()
    assert.deepEqual(
      (await stage.ledger.engines()).map(({ _id, peers }) => [_id, peers]),
      [
        ['engine', [ANN]],
        ['old engine', [BOB]],
      ],
    )
    await leaveEngines(stage.ledger, ANN, null)
    assert.deepEqual((await stage.ledger.engines())[0]?.peers, [])
  })
})
