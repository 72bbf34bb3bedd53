import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { Clock } from '../protocol/clock.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { EngineAway, type LaunchedWorker, type Launcher, LaunchRefused } from '../protocol/launcher.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { createLedgerModel } from '../protocol/ledger-model.ts'
import { CLAIM_MS, LEASE_MS, WORKER_VANISHED_MS } from '../protocol/limits.ts'
import { silentLog } from '../protocol/log.ts'
import type { HeardPeer } from '../protocol/peer-table.ts'
import { createReconciler } from './reconcile.ts'

const [ANN, BOB] = [asPeerId('peer Ann'), asPeerId('peer Bob')]
type Fake = LaunchedWorker & { bornAt: number }

/** One engine, its workers, and the peers they become. */
class Stage {
  now = 1_000_000
  broken: Error | null = null
  diesAtOnce = false
  names = 0
  workers: Fake[] = []
  readonly heard = new Map<PeerId, HeardPeer>()
  readonly ledger: Ledger = createLedgerModel({ now: () => this.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  readonly clock = { now: () => this.now, mono: () => this.now } as Clock

  readonly launcher: Launcher = {
    engine: () => this.answer(() => 'engine'),
    list: () =>
      this.answer(() =>
        this.workers.map(({ bornAt, ...worker }) => ({ ...worker, life_ms: worker.life_ms || this.now - bornAt })),
      ),
    start: ({ name, rendition, reason }) =>
      this.answer(() => {
        const ended = this.diesAtOnce
          ? { state: 'ended' as const, how: 'exit code 7', life_ms: 300 }
          : { state: 'running' as const, how: null, life_ms: 0 }
        const worker = { id: `id of ${name}`, name, rendition, reason, ...ended, bornAt: this.now }
        this.workers.push(worker)
        return worker
      }),
    stop: (id) =>
      this.answer(() => {
        this.workers = this.workers.filter((worker) => worker.id !== id)
      }),
    close: async () => {},
  }

  async answer<T>(act: () => T): Promise<T> {
    if (this.broken) throw this.broken
    return act()
  }

  hear(peer: PeerId, name: string, busy = 0): void {
    const beat = { name, busy, state: busy > 0 ? 'working' : 'idle', slots: 1 } as Heartbeat
    this.heard.set(peer, { peer, beat, heard_mono: this.now })
  }

  /** Every worker that runs is heard, but for those named. */
  hearWorkers(except: readonly string[] = []): void {
    for (const { name, state } of this.workers)
      if (state === 'running' && !except.includes(name)) this.hear(asPeerId(`peer ${name}`), name)
  }

  reconciler(self: PeerId = ANN, max = 10) {
    return createReconciler({
      self, ledger: this.ledger, launcher: this.launcher, clock: this.clock, log: silentLog, max,
      peers: { get: (peer) => this.heard.get(peer), all: () => [...this.heard.values()] },
      rng: { random: () => 0.5, token: () => `${String(this.names++).padStart(8, '0')}` },
      spec: (name, reason) => ({ name, reason, rendition: 'all', environment: {}, limits: { cpus: 1, memory_mb: 512 } }),
      hint: () => {},
    }) // biome-ignore format: what it is given, in two lines
  }

  want(wanted: number) {
    return this.ledger.setWanted('engine', { wanted, reason: 'a long queue', term: 1 })
  }

  async told(): Promise<string[]> {
    return (await this.ledger.events(100)).map(({ what, text }) => `${what}: ${text}`)
  }
}

describe('an engine', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })

  test('is known in the ledger by who reaches it, and comes to run what is wanted, with the reason', async () => {
    const mine = stage.reconciler()
    await mine.round()
    assert.deepEqual(
      (await stage.ledger.hosts()).map(({ _id, peers, wanted }) => [_id, peers, wanted]),
      [['engine', [ANN], 0]],
    )
    await stage.want(2)
    await mine.round()
    assert.deepEqual(
      stage.workers.map(({ name, reason }) => [name, reason]),
      [
        ['auto-00000000', 'a long queue'],
        ['auto-00000001', 'a long queue'],
      ],
    )
    await mine.round()
    assert.equal(stage.workers.length, 2)
    assert.deepEqual(await stage.told(), [
      'worker_started: auto-00000000: a long queue',
      'worker_started: auto-00000001: a long queue',
    ])
  })

  test('is kept by the smallest living peer that reaches it, and by the next when that one goes', async () => {
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

  test('never runs more than this peer allows, whatever the ledger says', async () => {
    const mine = stage.reconciler(ANN, 3)
    await mine.round()
    await stage.want(50)
    await mine.round()
    assert.equal(stage.workers.length, 3)
  })

  test('wanted fewer: a worker is drained, lives on while it runs something, and is removed once it has ended', async () => {
    const mine = stage.reconciler()
    await mine.round()
    await stage.want(1)
    await mine.round()
    const peer = asPeerId('peer auto-00000000')
    stage.hear(peer, 'auto-00000000', 1)
    await stage.want(0)
    for (let round = 0; round < 3; round++) await mine.round()
    assert.equal((await stage.ledger.peer(peer)).draining, true)
    assert.equal(stage.workers.length, 1)
    Object.assign(stage.workers[0]!, { state: 'ended', how: 'exit code 0', life_ms: 90_000 })
    await mine.round()
    assert.equal(stage.workers.length, 0)
    assert.equal((await stage.ledger.peer(peer)).draining, false)
    assert.equal((await stage.told()).at(-1), 'worker_drained: auto-00000000 is removed: drained')
  })

  test('wanted again: the draining worker is kept', async () => {
    const mine = stage.reconciler()
    await mine.round()
    await stage.want(1)
    await mine.round()
    stage.hearWorkers()
    await stage.want(0)
    await mine.round()
    await stage.want(1)
    await mine.round()
    assert.equal((await stage.ledger.peer(asPeerId('peer auto-00000000'))).draining, false)
    assert.equal(stage.workers.length, 1)
  })

  test('a vanished worker is removed and replaced', async () => {
    const mine = stage.reconciler()
    await mine.round()
    await stage.want(2)
    await mine.round()
    stage.hearWorkers()
    stage.now += WORKER_VANISHED_MS + 1_000
    stage.hearWorkers(['auto-00000000'])
    await mine.round()
    assert.deepEqual(
      stage.workers.map(({ name }) => name),
      ['auto-00000001', 'auto-00000002'],
    )
    assert.ok(
      (await stage.told()).some((text) =>
        text.startsWith('worker_gone: auto-00000000 is removed: its peer was not heard for 31 s'),
      ),
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

  test('a worker that dies at once is told, and not started in a loop: the waits grow', async () => {
    const mine = stage.reconciler()
    await mine.round()
    await stage.want(1)
    stage.diesAtOnce = true
    for (let second = 0; second < 600; second += 2) {
      await mine.round()
      stage.now += 2_000
    }
    const failed = (await stage.told()).filter((text) => text.startsWith('worker_failed'))
    assert.ok(failed.length >= 5 && failed.length <= 14, `${failed.length} starts in ten minutes`)
    assert.match(failed[0]!, /died at once \(it ended: exit code 7\); the next start waits 2 s/)
    stage.diesAtOnce = false
    stage.now += 300_000
    await mine.round()
    await mine.round()
    assert.equal(stage.workers.filter(({ state }) => state === 'running').length, 1)
  })

  test('that is away, or refuses, is told once, and once more when it is back', async () => {
    const mine = stage.reconciler()
    stage.broken = new EngineAway('there is no Docker socket at /var/run/docker.sock')
    await mine.round()
    await mine.round()
    stage.broken = null
    await mine.round()
    stage.broken = new LaunchRefused('the Docker engine has no image reelmesh: build or pull it there')
    await mine.round()
    assert.deepEqual(await stage.told(), [
      'engine_away: there is no Docker socket at /var/run/docker.sock; encoding goes on',
      'engine_back: workers can be started and stopped here again',
      'launch_failed: the Docker engine has no image reelmesh: build or pull it there; encoding goes on',
    ])
  })
})
