/** A rate with a burst: `perS` tokens a second flow into a bucket that holds at most `burst`. */
import type { Clock } from '../protocol/clock.ts'

/** Tokens a second, and how many may be taken at once after a pause. */
export interface Rate {
  readonly perS: number
  /** Number of tokens of a full bucket. */
  readonly burst: number
}

/** Counts what is taken against a rate. */
export interface TokenBucket {
  /** Takes a token; false where there is none. */
  take(): boolean
  /** Takes this number of tokens, also where there are fewer: what follows is refused until they have flowed in. */
  charge(tokens: number): void
}

/** A full bucket. */
export function createTokenBucket({ perS, burst }: Rate, clock: Pick<Clock, 'mono'>): TokenBucket {
  let tokens = burst
  let at = clock.mono()
  const refill = () => {
    const now = clock.mono()
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * perS)
    at = now
  }
  return {
    take() {
      refill()
      if (tokens < 1) return false
      tokens--
      return true
    },
    charge(count) {
      refill()
      tokens = Math.max(-burst, tokens - count)
    },
  }
}
