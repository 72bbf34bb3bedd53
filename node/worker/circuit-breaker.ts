/**
 * Circuit breakers of a worker: after a failure of its own it runs a self-test, and claims only when that succeeds. A broken machine then fails
 * one task instead of every task that it can claim. A machine whose ffmpeg works only pauses at what failed (`pauses.ts`).
 *
 *   closed ── own failure ──► test due ── self-test ──► succeeds ──► closed
 *                                            └─ fails: waits 1, 2, 4 … 60 s ──► self-test ──► …
 *
 * A self-test that succeeded lately counts for the next few failures too, and so does an encode: films that cannot be done come together, and each
 * test holds up a slot.
 *
 * Encodes and control tasks have one breaker each, as their pauses are apart: a film whose encodes fail here can still be merged. The
 * self-test is common, as both use the same ffmpeg.
 */
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'
import { createPauses, type Pauses } from './pauses.ts'
import type { EndedTask } from './run-outcome.ts'

/** The id and name of this peer, for events. */
export interface CircuitBreakersOptions {
  readonly self: PeerId
  /** This peer's name, for events. */
  readonly name: string
}

/** The parts that the breakers use. */
export interface CircuitBreakersModules {
  readonly clock: Clock
  readonly rng: Rng
  /** Shows whether another peer could take a class that this one pauses. */
  readonly peers: Pick<PeerTable, 'all'>
  /** Emits `self_test_failed` when a self-test fails after a successful one, and `self_test_passed` when one succeeds again. */
  readonly emit: Emit
  /** One short trial run of this machine's ffmpeg. Rejects with the reason where it does not work. */
  selfTest(signal: AbortSignal): Promise<void>
}

/** A breaker of one kind of slots. */
export interface CircuitBreaker {
  /** What this worker does not claim for a while. */
  readonly pauses: Omit<Pauses, 'record'>
  /** Records how the tasks of a run ended: before its claims end, so that nothing is claimed again without what follows from it. */
  record(ended: readonly EndedTask[]): void
  /** Ms until this breaker allows claims, 0 where it does now. Runs the self-test that is due. Rejects only with the signal's reason. */
  waitMs(signal: AbortSignal): Promise<number>
}

/** The breakers of this node. */
export interface CircuitBreakers {
  readonly encode: CircuitBreaker
  readonly control: CircuitBreaker
  /** Whether the last self-test failed: no task is claimed until one succeeds. */
  hasFailedSelfTest(): boolean
}

/** Makes both breakers, closed. */
export function createCircuitBreakers(
  options: CircuitBreakersOptions,
  modules: CircuitBreakersModules,
): CircuitBreakers {
  const selfTests = new SelfTests(options, modules)
  const breaker = ({ encodes }: { readonly encodes: boolean }): CircuitBreaker => {
    const pauses = createPauses(modules)
    return {
      pauses,
      record(ended) {
        pauses.record(ended)
        if (encodes && ended.some(({ outcome }) => outcome === 'succeeded')) selfTests.succeeded()
        if (ended.some(({ outcome, isAgreed }) => outcome === 'failed' && !isAgreed)) selfTests.demand()
      },
      waitMs: (signal) => selfTests.waitMs(signal),
    }
  }
  return {
    encode: breaker({ encodes: true }),
    control: breaker({ encodes: false }),
    hasFailedSelfTest: () => selfTests.hasFailed,
  }
}

/** For how long, ms, and for how many further failures a self-test or an encode that succeeded counts. */
const COUNTS = { ms: 5_000, failures: 2 } as const

/** The self-tests of this machine. */
class SelfTests {
  readonly #options: CircuitBreakersOptions
  readonly #modules: CircuitBreakersModules
  /** Number of failed self-tests in a row. */
  #failures = 0
  /** Monotonic ms before which no self-test runs. */
  #until = Number.NEGATIVE_INFINITY
  #isDue = false
  /** When the last self-test or encode succeeded, monotonic ms, and the number of failures since. */
  #succeeded = { at: Number.NEGATIVE_INFINITY, failures: 0 }
  #running: Promise<void> | null = null

  constructor(options: CircuitBreakersOptions, modules: CircuitBreakersModules) {
    this.#options = options
    this.#modules = modules
  }

  get hasFailed(): boolean {
    return this.#failures > 0
  }

  /** An encode here says as much as a self-test. */
  succeeded(): void {
    this.#isDue = false
    this.#succeeded = { at: this.#modules.clock.mono(), failures: 0 }
  }

  demand(): void {
    const { at, failures } = this.#succeeded
    this.#succeeded = { at, failures: failures + 1 }
    this.#isDue ||= failures >= COUNTS.failures || this.#modules.clock.mono() - at >= COUNTS.ms
  }

  /** Ms until tasks may be claimed. Runs a self-test that is due, or joins the running one. Rejects only when aborted. */
  async waitMs(signal: AbortSignal): Promise<number> {
    const { clock } = this.#modules
    const leftMs = this.#until - clock.mono()
    if (leftMs > 0) return leftMs
    if (this.#isDue || this.hasFailed) {
      this.#running ??= this.#once(signal).finally(() => {
        this.#running = null
      })
      await this.#running
    }
    return this.hasFailed ? Math.max(1, this.#until - clock.mono()) : 0
  }

  async #once(signal: AbortSignal): Promise<void> {
    const { self: peer, name } = this.#options
    const { clock, rng, emit, selfTest } = this.#modules
    // A failure that comes during the test demands another one.
    this.#isDue = false
    try {
      await selfTest(signal)
      if (this.#failures > 0) void emit({ code: 'self_test_passed', peer, name })
      this.#failures = 0
      this.#succeeded = { at: clock.mono(), failures: 0 }
      this.#until = Number.NEGATIVE_INFINITY
    } catch (error) {
      signal.throwIfAborted()
      if (this.#failures === 0) void emit({ code: 'self_test_failed', peer, name, reason: sentence(error) })
      const { base: baseMs, max: maxMs } = OWN_FAILURE_MS
      this.#until = clock.mono() + backoffMs({ tries: this.#failures, baseMs, maxMs, rng })
      this.#failures++
    }
  }
}
