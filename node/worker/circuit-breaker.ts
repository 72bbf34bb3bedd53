/**
 * Holds a worker back after a failure of its own: it waits 1, 2, 4 … 60 s, makes a self-test, and claims only when that succeeds. So a
 * machine that broke fails one task and not every one that it can claim.
 *
 *   closed ── own failure ──► open ── backoff is over: self-test ──► succeeds: claims again ── a success ──► closed
 *                              ▲                             └─ fails: self-test failed ─┐
 *                              └───────────────── longer each time ◄─────────────────────┘
 *
 * Encodes and control tasks have a breaker each, so that chunks that cannot be encoded do not delay a merge; a self-test that fails
 * opens both, as it is the same ffmpeg.
 */
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { OWN_FAILURE_MS } from '../../protocol/limits.ts'

export interface CircuitBreakersOptions {
  readonly self: PeerId
  /** This peer's name, for events. */
  readonly name: string
}

export interface CircuitBreakersModules {
  readonly clock: Clock
  readonly rng: Rng
  /** `self_test_failed` when a self-test fails after one that succeeded, `self_test_passed` when one succeeds again. */
  readonly emit: Emit
  /** One short trial run of this machine's ffmpeg. Rejects with the reason where it does not work. */
  selfTest(signal: AbortSignal): Promise<void>
}

/** `blocked`: what failed was not its doing, such as a missing input. */
export type Outcome = 'succeeded' | 'failed' | 'blocked'

export interface CircuitBreaker {
  /** `failed` waits longer each time, then asks for a self-test; `blocked` waits a moment, so that not all tasks are tried in a row. */
  record(outcome: Outcome): void
  /** Ms until this breaker lets claims through, 0 where it does now. Makes the self-test that is due; rejects only when aborted. */
  waitMs(signal: AbortSignal): Promise<number>
}

export interface CircuitBreakers {
  readonly encode: CircuitBreaker
  readonly control: CircuitBreaker
  /** The last self-test failed: nothing is claimed until one succeeds. */
  hasFailedSelfTest(): boolean
}

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
  /** In a row, up to now. */
  #failures = 0
  /** By the monotonic clock: not again before. */
  #until = Number.NEGATIVE_INFINITY
  #running: Promise<void> | null = null

  constructor(options: CircuitBreakersOptions, modules: CircuitBreakersModules) {
    this.#options = options
    this.#modules = modules
  }

  get hasFailed(): boolean {
    return this.#failures > 0
  }

  /** By the monotonic clock. */
  get until(): number {
    return this.#until
  }

  /** Breakers that want one at the same time share it. Rejects only when aborted. */
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
