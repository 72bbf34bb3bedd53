/**
 * Makes an engine run what the leader wants there (`hosts.wanted`). Every peer that reaches the engine says so in the ledger; the
 * smallest of them that lives keeps it, and stands aside where it cannot and others can (`stand-aside.ts`). Strays of a dead
 * coordinator or keeper are found by their label and become its own.
 *
 * Promises: a worker is drained before it ends and never removed while it may hold a claim, nor for a silence that is this peer's own
 * (`silence.ts`); one that dies at once or never joins is told and tried again later and later; an engine that is away is told once
 * and asked again; nothing here stops the encoding. Two that both believe to be the keeper start too many for a moment; the
 * surplus is drained.
 */

import { backoffMs, type Clock, type Rng } from '../protocol/clock.ts'
import type { Emit } from '../protocol/emitter.ts'
import { LedgerAway, sentence } from '../protocol/errors.ts'
import type { Hint } from '../protocol/hint.ts'
import type { PeerId } from '../protocol/ids.ts'
import {
  EngineAway,
  LAUNCHED_PREFIX,
  type LaunchedWorker,
  type Launcher,
  type WorkerSpec,
} from '../protocol/launcher.ts'
import type { HostRecord, Ledger, PeerRecord } from '../protocol/ledger.ts'
import { RECONCILE_MS, SCALE_MS, WORKER_HEALTHY_MS, WORKER_RESTART_MS, WORKER_VANISHED_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import { type PeerTable, presentPeers } from '../protocol/peer-table.ts'
import { planHost, type SeenWorker } from './plan-host.ts'
import { createSilence } from './silence.ts'
import { createStandAside, leaveEngines } from './stand-aside.ts'

export interface ReconcilerOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly launcher: Launcher
  readonly peers: PeerTable
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  /** No more than this here, whatever the ledger says: a machine's owner has the last word. Told where it is fewer than wanted. */
  readonly max: number
  /** What a new worker of this name is given. */
  spec(name: string, reason: string): WorkerSpec
  hint(hint: Omit<Hint, 'v'>): void
}

export interface Reconciler {
  start(): void
  /** One comparison, and the steps that follow from it. */
  round(): Promise<void>
  stop(): Promise<void>
}

/** So many starts that failed one after the other are no accident. */
const DEATHS_MANY = 3
/** By this a drain of the keeper's own, which may be undone, is told from a person's. */
const DRAIN_REASON = 'fewer workers are wanted'

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { self, ledger, launcher, peers, clock, rng, log, emit } = options
  const stopping = new AbortController()
  /** When each worker that runs was first seen to, by the own monotonic clock. */
  const firstSeen = new Map<string, number>()
  const silence = createSilence(options)
  const deaths = { count: 0, at: Number.NEGATIVE_INFINITY, notBefore: Number.NEGATIVE_INFINITY }
  let engine: string | null = null
  /** What stands in the way, once it was told. */
  let away: Error | null = null
  /** The leader counts on this engine from then on; what it wanted before is of no account. */
  let reachedAt = Number.NEGATIVE_INFINITY
  let isWell = false
  let isCapped = false
  let running: Promise<void> | null = null

  const isLive = (peer: PeerId): boolean =>
    peer === self || presentPeers(peers, clock.mono()).some((heard) => heard.peer === peer)

  const aside = createStandAside({ ...options, isLive })

  async function ownEngine(): Promise<string> {
    if (engine !== null) return engine
    const found = await launcher.engine()
    await leaveEngines(ledger, self, found)
    engine = found
    return found
  }

  /** This engine's record, once this peer is the one to keep it. */
  async function kept(): Promise<HostRecord | null> {
    const engine = await ownEngine()
    let host = await hostOf(engine)
    if (!host?.peers.includes(self)) {
      // Where another one reached it, the leader counts on it already.
      if (!host?.peers.some(isLive)) reachedAt = clock.mono()
      await ledger.reachHost(engine, self)
      host = await hostOf(engine)
    }
    const [keeper] = host?.peers.filter(isLive).sort() ?? []
    return host && keeper === self ? host : null
  }

  const hostOf = async (id: string) => (await ledger.hosts()).find((host) => host._id === id)

  function note(listed: readonly LaunchedWorker[]): void {
    for (const { id, state } of listed) if (state === 'running' && !firstSeen.has(id)) firstSeen.set(id, clock.mono())
    for (const id of firstSeen.keys()) if (!listed.some((worker) => worker.id === id)) firstSeen.delete(id)
  }

  function seen(worker: LaunchedWorker, records: readonly PeerRecord[]): SeenWorker {
    const heard = peers.all().find(({ beat }) => beat.name === worker.name)
    const life_ms = worker.life_ms ?? clock.mono() - (firstSeen.get(worker.id) ?? clock.mono())
    const silentSince = heard?.heard_mono ?? clock.mono() - life_ms
    // Who is counted on is not silent: in a large mesh heartbeats are further apart than a single worker may be silent.
    const unheard_ms = heard && isLive(heard.peer) ? 0 : clock.mono() - Math.max(silentSince, silence.countsFrom())
    const record = records.find(({ _id }) => _id === heard?.peer)
    const draining = record?.draining ? (record.reason === DRAIN_REASON ? 'surplus' : 'asked') : null
    return { ...worker, life_ms, peer: heard?.peer ?? null, unheard_ms, busy: heard?.beat.busy ?? 0, draining }
  }

  /** Whether the next one will hardly fare better: it died at once, or never became a peer while this one watched. */
  const hasFailed = (worker: SeenWorker): boolean =>
    worker.draining === null &&
    ((worker.state === 'ended' && worker.life_ms < WORKER_HEALTHY_MS) ||
      (worker.peer === null && firstSeen.has(worker.id)))

  const isHealthy = (worker: SeenWorker): boolean =>
    worker.state === 'running' &&
    worker.peer !== null &&
    worker.unheard_ms < WORKER_VANISHED_MS &&
    worker.life_ms > WORKER_HEALTHY_MS

  /** It is well, and was started after the last death: what that one died of is mended. */
  const isProof = (worker: SeenWorker): boolean => isHealthy(worker) && clock.mono() - worker.life_ms > deaths.at

  async function remove(worker: SeenWorker, why: string): Promise<void> {
    const about = { peer: self, worker: worker.name, reason: why }
    await launcher.stop(worker.id)
    if (worker.peer !== null && worker.draining !== null)
      await ledger.setPeer(worker.peer, { draining: false, reason: null })
    if (!hasFailed(worker)) return emit({ code: worker.draining !== null ? 'worker_drained' : 'worker_gone', ...about })
    const waitMs = backoffMs({ tries: deaths.count, baseMs: WORKER_RESTART_MS.base, maxMs: WORKER_RESTART_MS.max, rng })
    deaths.count++
    deaths.at = clock.mono()
    deaths.notBefore = clock.mono() + waitMs
    const [life_s, wait_s] = [Math.round(worker.life_ms / 1000), Math.ceil(waitMs / 1000)]
    await emit({ code: 'worker_failed', ...about, life_s, wait_s })
  }

  async function setDraining(peer: PeerId, name: string, is: boolean): Promise<void> {
    await ledger.setPeer(peer, { draining: is, reason: is ? DRAIN_REASON : null })
    options.hint({ what: 'peers', video: null })
    log.info(is ? 'draining' : 'kept after all', { worker: name })
  }

  async function start(count: number, reason: string): Promise<void> {
    for (let n = 0; n < count && clock.mono() >= deaths.notBefore; n++) {
      const name = `${LAUNCHED_PREFIX}${rng.token().slice(0, 8)}`
      await launcher.start(options.spec(name, reason))
      await emit({ code: 'worker_started', peer: self, worker: name, reason })
      await emitBack()
    }
  }

  async function allowed({ wanted }: HostRecord): Promise<number> {
    const [wasCapped, max] = [isCapped, options.max]
    isCapped = wanted > max
    if (isCapped && !wasCapped) await emit({ code: 'fleet_capped', peer: self, wanted, max })
    return Math.min(wanted, max)
  }

  async function apply(host: HostRecord): Promise<void> {
    const records = await ledger.peers()
    const listed = await launcher.list()
    silence.look()
    note(listed)
    const workers = listed.map((worker) => seen(worker, records))
    isWell = workers.some(isHealthy)
    if (workers.some(isProof)) {
      deaths.count = 0
      aside.proved()
    }
    const steps = planHost(await allowed(host), workers)
    // What is wanted runs.
    if (steps.length === 0 && host.wanted > 0) await emitBack()
    for (const step of steps) {
      if (stopping.signal.aborted) return
      if (step.do === 'drain' && clock.mono() - reachedAt < 2 * SCALE_MS) continue
      if (step.do === 'remove') await remove(step.worker, step.why)
      else if (step.do === 'start') await start(step.count, host.reason ?? 'wanted')
      else await setDraining(step.peer, step.worker.name, step.do === 'drain')
    }
  }

  /** A launcher's failure is a state, told when it begins and when it ends. */
  async function round(): Promise<void> {
    silence.look()
    if (await aside.isAside()) return
    isWell = false
    try {
      const host = await kept()
      if (host) await apply(host)
      if (host && away instanceof EngineAway) await emitBack()
      await leaveIf(deaths.count >= DEATHS_MANY ? 'its workers die' : null)
    } catch (error) {
      if (error instanceof LedgerAway) throw error
      await leaveIf(error)
      const reason = sentence(error)
      if (away !== null && reason === sentence(away)) return
      away = error as Error
      await emit({ code: error instanceof EngineAway ? 'engine_away' : 'launch_failed', peer: self, reason })
    }
  }

  /** That the engine answers proves only that it is not away; that it starts what is wanted, that it can. */
  async function emitBack(): Promise<void> {
    if (away === null) return
    away = null
    await emit({ code: 'engine_back', peer: self })
  }

  /** What goes wrong beside workers that are well is no reason to leave those alone. */
  async function leaveIf(trouble: unknown): Promise<void> {
    const isPartial = isWell && !(trouble instanceof EngineAway)
    if (!(await aside.saw(engine, isPartial ? null : trouble))) return
    deaths.count = 0
    await emit({ code: 'engine_left', peer: self, engine })
  }

  async function loop(): Promise<void> {
    const { signal } = stopping
    while (!signal.aborted) {
      await round().catch((error: unknown) => {
        if (!signal.aborted) log.warn('keeping the engine is tried again', { error: sentence(error) })
      })
      await clock.sleep(RECONCILE_MS, signal).catch(() => {})
    }
  }

  return {
    round,
    start() {
      running ??= loop()
    },
    async stop() {
      stopping.abort(new DOMException('stopped', 'AbortError'))
      await running
      await launcher.close()
    },
  }
}
