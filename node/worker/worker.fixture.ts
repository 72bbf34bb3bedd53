/** A worker for tests, put together as a node does, over stand-ins for what a test says nothing of. */

import type { Capability } from '../../protocol/capability.ts'
import { createEmitter, type Emit } from '../../protocol/emitter.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog as log } from '../../protocol/log.ts'
import type { HeardPeer } from '../../protocol/peer-table.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Runners } from '../../protocol/runner.ts'
import type { Actor } from '../../testing/simulation/stage.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { type Attempts, createAttempts } from './attempts.ts'
import { type CircuitBreakers, createCircuitBreakers } from './circuit-breaker.ts'
import type { MayTakeControlTask } from './control-task-order.ts'
import { FILM_RENDITIONS } from './film.fixture.ts'
import { createSettlement } from './settlement.ts'
import { createWorker, type Worker, type WorkerModules } from './worker.ts'

export interface TestWorkerOptions {
  readonly self: PeerId
  readonly actor: Actor
  readonly capability: Capability
  readonly slots: number
  readonly runners: Runners
  readonly hints: Hints
  /** Default: the default ladder, as the tasks of `film.fixture.ts` have it. */
  readonly plans?: PlanSource
  /** Default: the actor's. */
  readonly ledger?: Ledger
  /** Default: into the actor's ledger. */
  readonly emit?: Emit
  /** Peers that were heard; asked repeatedly. Default: none. */
  others?(): readonly HeardPeer[]
  readonly mayClaim?: WorkerModules['admission']['mayClaim']
  /** Default: this worker alone. */
  readonly reachable?: WorkerModules['reachable']
  readonly mayTakeControlTask?: MayTakeControlTask
  selfTest?(): Promise<void>
}

export interface TestWorker {
  readonly worker: Worker
  readonly attempts: Attempts
  readonly breakers: CircuitBreakers
}

export function createTestWorker(options: TestWorkerOptions): TestWorker {
  const { self, actor, capability, slots, runners, hints } = options
  const { clock, rng } = actor
  const ledger = options.ledger ?? actor.ledger
  const emit = options.emit ?? createEmitter({ ledger: actor.ledger, log })
  const selfTest = options.selfTest ?? (async () => {})
  const peers = { all: options.others ?? (() => []), get: () => undefined }
  const breakers = createCircuitBreakers({ self, name: self }, { clock, rng, peers, emit, selfTest })
  const settle = createSettlement({ self }, { ledger, clock, rng, log, emit, hints, storeLog: async () => null })
  const attempts = createAttempts({ self }, { ledger, clock, log, hints, runners, settle })
  const worker = createWorker(
    { self, capability, slots },
    {
      ledger,
      clock,
      rng,
      log,
      hints,
      plans: options.plans ?? {
        planOf: async () => ({ renditions: FILM_RENDITIONS, chunks: [], audio: [] }) as unknown as Plan,
      },
      peers,
      runners,
      attempts,
      breakers,
      admission: { mayClaim: options.mayClaim ?? (async () => null) },
      reachable: options.reachable ?? (() => [self]),
      settling: new Set(),
      lookAtControlTasks: async () => options.mayTakeControlTask ?? (async () => false),
    },
  )
  return { worker, attempts, breakers }
}
