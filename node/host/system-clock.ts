/** The real clock and random numbers: the only file of the product that may read either from the machine. */
import { randomBytes } from 'node:crypto'
import type { Clock, Rng } from '../../protocol/clock.ts'

/** The clock of this machine: `now` is wall time and may jump, `mono` only rises; both in ms. */
export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
  timer: (ms, act) => {
    const timer = setTimeout(act, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Random numbers of this machine; tokens are 128 random bits in hex. */
export const systemRng: Rng = {
  random: () => Math.random(),
  token: () => randomBytes(16).toString('hex'),
}
