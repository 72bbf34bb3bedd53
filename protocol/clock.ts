/**
 * Time and chance, injected everywhere: the product never asks the machine directly, so that a simulation may run
 * days of mesh in seconds and replay them from a seed.
 */

/** The clock of a process. The real one is `node/host/system-clock.ts`; simulations have their own. */
export interface Clock {
  /** Wall clock, ms since 1970. Only for people and for the SQLite ledger; never for a decision between two peers. */
  now(): number
  /** Monotonic ms from an arbitrary start. Every timeout, lease bound and rate is measured with this one. */
  mono(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `act` once after `ms`. The returned function cancels it. A timer does not keep the process alive. */
  timer(ms: number, act: () => void): () => void
}

/** The source of chance. */
export interface Rng {
  /** A uniformly distributed number, 0–1, without 1. */
  random(): number
  /** 32 hex digits, cryptographically random in the product: tokens and nonces. */
  token(): string
}

/** A signal that aborts after `ms` with a `TimeoutError`, or with the reason of `signal` when that aborts first. */
export function deadline(clock: Clock, ms: number, signal?: AbortSignal): AbortSignal {
  const controller = new AbortController()
  const stop = clock.timer(ms, () => controller.abort(new DOMException(`no answer in ${ms} ms`, 'TimeoutError')))
  const timed = controller.signal
  signal?.addEventListener('abort', stop, { once: true, signal: timed })
  return signal ? AbortSignal.any([signal, timed]) : timed
}

/** The value of the promise, or `late` after `ms`. Leaves no timer behind. Rejects as the promise does. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | 'late'> {
  return new Promise((resolve, reject) => {
    const stop = clock.timer(ms, () => resolve('late'))
    promise.then(resolve, reject).finally(stop)
  })
}

/**
 * Exponential backoff with jitter: `baseMs · 2^tries`, at most `maxMs`, times 0.5–1.5 (so that callers that failed
 * together do not retry together). Answers ms; `tries` starts at 0.
 */
export function backoffMs(options: { tries: number; baseMs: number; maxMs: number; rng: Rng }): number {
  const { tries, baseMs, maxMs, rng } = options
  return Math.ceil(Math.min(maxMs, baseMs * 2 ** Math.min(tries, 30)) * (0.5 + rng.random()))
}
