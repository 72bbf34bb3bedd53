/**
 * Circuit breakers of a worker: after a failure of its own it waits 1, 2, 4 … 60 s, runs a self-test, and claims only when that succeeds. A
 * broken machine then fails one task instead of every task that it can claim.
 *
 *   closed ── own failure ──► open ── backoff is over: self-test ──► succeeds: claims again ── a success ──► closed
 *                              ▲                             └─ fails: self-test failed ─┐
 *                              └───────────────── longer each time ◄─────────────────────┘
 *
 * Encodes and control tasks have one breaker each, so that failing encodes do not delay a merge; a failed self-test opens both, as both use
 * the same ffmpeg.
 */
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'

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
  /** Emits `self_test_failed` when a self-test fails after a successful one, and `self_test_passed` when one succeeds again. */
  readonly emit: Emit
  /** One short trial run of this machine's ffmpeg. Rejects with the reason where it does not work. */
  selfTest(signal: AbortSignal): Promise<void>
}

/** The outcome of a run. `blocked`: it failed for a reason outside of this worker, such as a missing input. */
export type Outcome = 'succeeded' | 'failed' | 'blocked'

/** A breaker of one kind of slots. */
export interface CircuitBreaker {
  /** Records an outcome. `failed` opens the breaker, longer each time, until a self-test; `blocked` only delays the next claim. */
  record(outcome: Outcome): void
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
  const { clock, rng } = modules
  const selfTests = new SelfTests(options, modules)
  return {
    encode: new Breaker(selfTests, { clock, rng }),
    control: new Breaker(selfTests, { clock, rng }),
    hasFailedSelfTest: () => selfTests.hasFailed,
  }
}

const holdBackMs = (failures: number, rng: Rng): number =>
  backoffMs({ tries: failures, baseMs: OWN_FAILURE_MS.base, maxMs: OWN_FAILURE_MS.max, rng })

/** The self-tests of this machine, shared by both breakers. */
class SelfTests {
  readonly #options: CircuitBreakersOptions
  readonly #modules: CircuitBreakersModules
  /** Number of failed self-tests in a row. */
  #failures = 0
  /** Monotonic ms before which no self-test runs. */
  #until = Number.NEGATIVE_INFINITY
  #running: Promise<void> | null = null

  constructor(options: CircuitBreakersOptions, modules: CircuitBreakersModules) {
    this.#options = options
    this.#modules = modules
  }

  get hasFailed(): boolean {
    return this.#failures > 0
  }

  /** Monotonic ms. */
  get until(): number {
    return this.#until
  }

  /** Runs a self-test, or joins the running one. Rejects only when aborted. */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#once(signal).finally(() => {
      this.#running = null
    })
    return this.#running
  }

  async #once(signal: AbortSignal): Promise<void> {
    const { self: peer, name } = this.#options
    const { clock, rng, emit, selfTest } = this.#modules
    try {
      await selfTest(signal)
      if (this.#failures > 0) void emit({ code: 'self_test_passed', peer, name })
      this.#failures = 0
      this.#until = Number.NEGATIVE_INFINITY
    } catch (error) {
      signal.throwIfAborted()
      if (this.#failures === 0) void emit({ code: 'self_test_failed', peer, name, reason: sentence(error) })
      this.#until = clock.mono() + holdBackMs(this.#failures, rng)
      this.#failures++
    }
  }
}

class Breaker implements CircuitBreaker {
  readonly #selfTests: SelfTests
  readonly #clock: Clock
  readonly #rng: Rng
  #failures = 0
  #until = Number.NEGATIVE_INFINITY
  #isTestDue = false

  constructor(selfTests: SelfTests, { clock, rng }: { clock: Clock; rng: Rng }) {
    this.#selfTests = selfTests
    this.#clock = clock
    this.#rng = rng
  }

  record(outcome: Outcome): void {
    const now = this.#clock.mono()
    if (outcome === 'succeeded') this.#failures = 0
    else if (outcome === 'blocked') this.#until = Math.max(this.#until, now + holdBackMs(0, this.#rng))
    else {
      this.#until = now + holdBackMs(this.#failures++, this.#rng)
      this.#isTestDue = true
    }
  }

  async waitMs(signal: AbortSignal): Promise<number> {
    const [clock, selfTests] = [this.#clock, this.#selfTests]
    const leftMs = Math.max(this.#until, selfTests.until) - clock.mono()
    if (leftMs > 0) return leftMs
    if (this.#isTestDue || selfTests.hasFailed) await selfTests.run(signal)
    if (selfTests.hasFailed) return Math.max(1, selfTests.until - clock.mono())
    this.#isTestDue = false
    return Math.max(0, this.#until - clock.mono())
  }
}
