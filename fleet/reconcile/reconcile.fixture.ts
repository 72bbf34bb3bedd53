/** For tests: one engine, its reconciler, its workers, the peers that they become, and a clock that the test advances. */
import type { Clock } from '../../protocol/clock.ts'
import { createLedgerModel } from '../../protocol/conformance/model/ledger-model.ts'
import { createEmitter } from '../../protocol/emitter.ts'
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import type { LaunchedWorker, Launcher } from '../../protocol/launcher.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { CLAIM_MS, LEASE_MS, RECONCILE_MS, SCALE_MS } from '../../protocol/limits.ts'
import { silentLog } from '../../protocol/log.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import { createReconciler, type Reconciler } from './reconcile.ts'

export const [ANN, BOB] = [asPeerId('peer Ann'), asPeerId('peer Bob')]

/** One engine, its workers, and the peers that they become. */
export class Stage {
  now = 1_000_000
  broken: Error | null = null
  diesAtOnce = false
  names = 0
  workers: LaunchedWorker[] = []
  readonly heard = new Map<PeerId, HeardPeer>()
  readonly ledger: Ledger = createLedgerModel({ now: () => this.now, claimMs: CLAIM_MS, leaseMs: LEASE_MS })
  readonly clock = { now: () => this.now, mono: () => this.now } as Clock

  readonly launcher: { -readonly [Name in keyof Launcher]: Launcher[Name] } = {
    engine: () => this.answer(() => 'engine'),
    list: () => this.answer(() => this.workers.map((worker) => ({ ...worker }))),
    start: ({ name, rendition, reason }) =>
      this.answer(() => {
        const ended = this.diesAtOnce
          ? { state: 'ended' as const, how: 'exit code 7', life_ms: 300 }
          : { state: 'running' as const, how: null, life_ms: null }
        const worker = { id: `id of ${name}`, name, rendition, reason, ...ended }
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

  /** Time passes as it does between rounds; who is named is heard. */
  async pass(owner: Reconciler, ms: number, hear: () => void = () => {}): Promise<void> {
    for (const until = this.now + ms; this.now < until; ) {
      this.now += RECONCILE_MS
      hear()
      await owner.round()
    }
  }

  reconciler(self: PeerId = ANN, max = 10) {
    return createReconciler({
      self, ledger: this.ledger, launcher: this.launcher, clock: this.clock, log: silentLog, max,
      emit: createEmitter({ ledger: this.ledger, log: silentLog }),
      peers: { get: (peer) => this.heard.get(peer), all: () => [...this.heard.values()] },
      rng: { random: () => 0.5, token: () => `${String(this.names++).padStart(8, '0')}` },
      spec: (name, reason) => ({ name, reason, rendition: 'all', environment: {}, limits: { cpus: 1, memory_mb: 512 } }),
      hints: { publish: () => {} },
    }) // biome-ignore format: a list
  }

  /** The reconciler of the engine's owner, once it has started so many workers; none of them was heard yet. */
  async ownerOf(wanted: number): Promise<Reconciler> {
    const owner = this.reconciler()
    await owner.round()
    // Earlier a lower number means nothing: the leader has not counted on this engine yet.
    this.now += 2 * SCALE_MS
    await this.want(wanted)
    await owner.round()
    return owner
  }

  want(wanted: number) {
    return this.ledger.setWanted('engine', { wanted, reason: 'a long queue', term: 1 })
  }

  async events(): Promise<string[]> {
    return (await this.ledger.events(100)).map(({ what, text }) => `${what}: ${text}`)
  }
}
