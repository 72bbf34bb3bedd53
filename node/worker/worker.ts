/**
 * The worker: one encode loop for each slot, and one loop for each control-task slot where it has runners of control tasks (ingest, merge).
 * `work-loop.ts` is one loop.
 *
 * Promises: a claim is renewed, and settled by complete, fail or release; a claim whose reply was lost is found again by its token; no task is
 * claimed while the admission gate has a reason against it; `stop` leaves nothing running.
 */
import { type Capability, canDo } from '../../protocol/capability.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, TaskId, VideoId } from '../../protocol/ids.ts'
import { controlSlots, kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HINT_JITTER_MS, IDLE_POLL_MS, QUIET_AFTER_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { createNotifier, type Notifier } from '../../protocol/notifier.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'
import type { Runners } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'
import type { AdmissionGate } from '../admission.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import type { Assigned, Attempts } from './attempts.ts'
import type { CircuitBreakers } from './circuit-breaker.ts'
import { type ControlClaims, createControlClaims } from './control-claims.ts'
import type { MayTakeControlTask } from './control-task-order.ts'
import { createEncodeClaims, type EncodeClaims } from './encode-claims.ts'
import { createOneAtATime } from './one-at-a-time.ts'
import { createOutageGrace, type OutageGrace } from './outage-grace.ts'
import { createPrefetcher, type Prefetcher } from './prefetch.ts'
import { createSecondOpinions, type SecondOpinions } from './second-opinions.ts'
import { createSettlingClaims } from './settling-claims.ts'
import { type AskedSlots, otherSoonFreeSlots } from './soon-free-slots.ts'
import { createTokenClaims } from './token-claims.ts'
import { runWorkLoop, type WorkLoopOptions } from './work-loop.ts'

/** The identity, capability and slots of this worker. */
export interface WorkerOptions {
  readonly self: PeerId
  readonly capability: Capability
  /** Number of encodes at once; 0 without the worker role. */
  readonly slots: number
}

/** The parts that the worker uses. */
export interface WorkerModules {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  /** The hints `tasks`, `video` and `peers` make an idle worker ask for tasks, within `HINT_JITTER_MS`; see also `second-opinions.ts`. */
  readonly hints: Pick<Hints, 'on'>
  readonly peers: PeerTable
  readonly plans: PlanSource
  readonly runners: Runners
  readonly attempts: Attempts
  readonly breakers: CircuitBreakers
  /** The gate that is asked before every claim. */
  readonly admission: Pick<AdmissionGate, 'mayClaim'>
  /** Peers from which an input can be had now (`reachablePeers`). */
  reachable(): readonly PeerId[]
  /** Audits that this peer, without slots, should run: see `settling-claims.ts`. */
  readonly settling: Set<TaskId>
  /** Begins a look at ingest and merge tasks: which of them this peer should take. `count`: number of them. Rejects with errors of the disk. */
  lookAtControlTasks(count: number): Promise<MayTakeControlTask>
}

/** The worker of this node. */
export interface Worker {
  /** Idempotent. */
  start(): void
  /** Stops claiming, waits at most `drainMs` for running attempts, and releases the others. Idempotent. */
  stop(drainMs: number): Promise<void>
}

/** Makes a worker that is not started. */
export const createWorker = (options: WorkerOptions, modules: WorkerModules): Worker =>
  new LoopingWorker(options, modules)

class LoopingWorker implements Worker {
  readonly #options: WorkerOptions
  readonly #modules: WorkerModules
  readonly #stopping = new AbortController()
  readonly #notifier: Notifier
  readonly #grace: OutageGrace
  readonly #prefetcher: Prefetcher | null
  readonly #encodes: EncodeClaims
  readonly #control: ControlClaims
  readonly #settle: () => Promise<Assigned | null>
  readonly #secondOpinions: SecondOpinions
  /** Ingests that have released their slots and still run. */
  readonly #waiting = new Set<Task>()
  readonly #loops: Promise<void>[] = []
  #unsubscribe: (() => void) | null = null
  #cancelLook: (() => void) | null = null
  /** Videos that hints named since the last look. */
  readonly #changed = new Set<VideoId>()
  /** Whether a hint named none. */
  #isUnknown = false
  /** When the last hint came, monotonic ms: at first as if one had just come. */
  #hintedAt: number

  constructor(options: WorkerOptions, modules: WorkerModules) {
    this.#options = options
    this.#modules = modules
    this.#hintedAt = modules.clock.mono()
    const { self, capability, slots } = options
    const { ledger, plans, clock, rng, log, peers, attempts, breakers, admission, runners } = modules
    const { reachable, lookAtControlTasks } = modules
    const { signal } = this.#stopping
    this.#notifier = createNotifier(clock)
    this.#grace = createOutageGrace(clock)
    const grace = this.#grace
    const claimWithToken = createTokenClaims({ ledger, clock, rng, grace, signal })
    const prefetches = slots > 0 && kindsWhere(({ scope }) => scope === 'chunk').some((kind) => runners[kind]?.prefetch)
    this.#prefetcher = prefetches
      ? createPrefetcher({
          self,
          ledger,
          table: peers,
          clock,
          log,
          slots,
          prefetch: async (task, signal) => runners[task.kind]?.prefetch?.(task, signal),
          canDo: (task) =>
            canDo(capability, task.class) &&
            !task.strikes.some(({ worker_id }) => worker_id === self) &&
            (task.input === null || reachable().some((peer) => task.input?.holders.includes(peer))),
          mayClaim: () => admission.mayClaim('encode'),
        })
      : null
    const otherSlots = (asked: AskedSlots) => otherSoonFreeSlots({ slots, ...asked }, { peers, clock, attempts })
    const prefetcher = this.#prefetcher
    this.#secondOpinions = createSecondOpinions({ self }, { hints: modules.hints, clock })
    const secondOpinions = this.#secondOpinions
    this.#encodes = createEncodeClaims(
      { self, capability },
      {
        ledger,
        plans,
        clock,
        grace,
        pauses: breakers.encode.pauses,
        claimWithToken,
        secondOpinions,
        prefetcher,
        oneAtATime: createOneAtATime({ slots }, { attempts, plans, clock }),
        otherSlots,
        reachable,
      },
    )
    this.#settle = createSettlingClaims({ self }, { ledger, settling: modules.settling, reachable, claimWithToken })
    this.#control = createControlClaims(
      { self },
      {
        ledger,
        clock,
        grace,
        pauses: breakers.control.pauses,
        waiting: this.#waiting,
        claimWithToken,
        lookAtControlTasks,
      },
    )
  }

  start(): void {
    if (this.#unsubscribe) return
    const { hints, attempts } = this.#modules
    this.#unsubscribe = hints.on(['tasks', 'video', 'peers'], ({ video }) => this.#lookSoon(video))
    attempts.start()
    this.#secondOpinions.start()
    for (const loop of [...this.#encodeLoops(), ...this.#settlingLoops(), ...this.#controlLoops()])
      this.#loops.push(this.#run(loop))
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort(new DOMException('the worker stops', 'AbortError'))
    this.#unsubscribe?.()
    this.#secondOpinions.stop()
    this.#cancelLook?.()
    await Promise.all([this.#modules.attempts.stop(drainMs), this.#prefetcher?.stop()])
    await Promise.all(this.#loops)
  }

  #encodeLoops(): WorkLoopOptions[] {
    const { runners, breakers } = this.#modules
    const encodes = kindsWhere(({ slots }) => slots === 'encode').some((kind) => runners[kind])
    return Array.from({ length: encodes ? this.#options.slots : 0 }, (_, slot) => ({
      name: `slot ${slot}`,
      work: 'encode',
      breaker: breakers.encode,
      claim: () => this.#encodes.claim(),
    }))
  }

  /** One, of a coordinator without encode slots. */
  #settlingLoops(): WorkLoopOptions[] {
    const { runners, breakers } = this.#modules
    const audits = kindsWhere(({ audits }) => audits).some((kind) => runners[kind])
    if (this.#options.slots > 0 || !audits) return []
    return [{ name: 'settling slot', work: 'control', breaker: breakers.control, claim: this.#settle }]
  }

  #controlLoops(): WorkLoopOptions[] {
    const { runners, breakers } = this.#modules
    return controlSlots().flatMap((takes, slot): WorkLoopOptions[] => {
      const kinds = takes.filter((kind) => runners[kind])
      const claim = () => this.#control.claim(kinds)
      return kinds.length > 0
        ? [{ name: `control slot ${slot}`, work: 'control', breaker: breakers.control, claim }]
        : []
    })
  }

  #run(loop: WorkLoopOptions): Promise<void> {
    const { log, admission, attempts } = this.#modules
    const modules = {
      log,
      admission,
      attempts,
      notifier: this.#notifier,
      grace: this.#grace,
      waiting: this.#waiting,
      pollMs: () => this.#pollMs(),
    }
    return runWorkLoop(loop, modules, this.#stopping.signal)
  }

  /** Not the same for all loops and workers; after a time without hints none of the short ones. */
  #pollMs(): number {
    const { clock, rng } = this.#modules
    const least = clock.mono() - this.#hintedAt < QUIET_AFTER_MS ? 0.5 : 1
    return IDLE_POLL_MS * (least + (1.5 - least) * rng.random())
  }

  /** Asks for tasks after a random delay, so that not all workers ask at once. */
  #lookSoon(video: VideoId | null): void {
    if (this.#stopping.signal.aborted) return
    this.#hintedAt = this.#modules.clock.mono()
    if (video === null) this.#isUnknown = true
    else this.#changed.add(video)
    const { clock, rng, peers } = this.#modules
    const { most, each } = HINT_JITTER_MS
    const jitterMs = Math.min(most, each * presentPeers(peers, clock.mono()).length)
    this.#cancelLook ??= clock.timer(Math.floor(rng.random() * jitterMs), () => {
      this.#cancelLook = null
      this.#control.forget(this.#isUnknown ? null : this.#changed)
      this.#changed.clear()
      this.#isUnknown = false
      this.#encodes.forget()
      this.#notifier.notify()
    })
  }
}
