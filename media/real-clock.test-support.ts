/** The machine's own time, for tests that run real processes. The product's own is `node/host/system-clock.ts`. */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, Rng } from '../protocol/clock.ts'

export const realClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  mono: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
  timer: (ms, act) => {
    const controller = new AbortController()
    wait(ms, undefined, { signal: controller.signal, ref: false }).then(act, () => {})
    return () => controller.abort()
  },
}

export const realRng: Rng = {
  random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  token: () => randomBytes(16).toString('hex'),
}
