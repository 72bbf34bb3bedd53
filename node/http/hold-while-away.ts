/**
 * Holds a request whose bytes nobody sends now: whoever has them may be started again, or they may be encoded again. With their defaults players ask twice
 * to four times, within 1 to 3 s, before they give up a film; each of them waits 10 s or longer for an answer.
 *
 * A held request holds a connection and a timer. Of many that come at once only some are held.
 */
import type { Clock } from '../../protocol/clock.ts'
import { StreamRefused } from '../streams/streams.ts'

/** How long a request is held, and how often it is tried again meanwhile, ms. */
const [HELD_MS, AGAIN_MS] = [8_000, 1_000]
/** Requests that are held at once: each asks the ledger, and peers, each second. */
const HELD_MAX = 64

/** Answers as `answer` does; where that rejects with `bytes_away` it is called again for a while, until `signal` aborts. */
export type HoldWhileAway = <T>(answer: () => Promise<T>, signal: AbortSignal) => Promise<T>

/** Makes the function, with nothing held. */
export function createHold(clock: Pick<Clock, 'mono' | 'sleep'>): HoldWhileAway {
  let held = 0
  return async (answer, signal) => {
    try {
      return await answer()
    } catch (error) {
      if (!isAway(error) || held >= HELD_MAX) throw error
      held++
      return await again(answer, error, signal).finally(() => held--)
    }
  }

  async function again<T>(answer: () => Promise<T>, first: unknown, signal: AbortSignal): Promise<T> {
    const until = clock.mono() + HELD_MS
    for (let last = first; ; ) {
      const isOver = await clock.sleep(AGAIN_MS, signal).then(
        () => clock.mono() > until,
        () => true,
      )
      if (isOver) throw last
      try {
        return await answer()
      } catch (error) {
        if (!isAway(error)) throw error
        last = error
      }
    }
  }
}

const isAway = (error: unknown): boolean => error instanceof StreamRefused && error.code === 'bytes_away'
