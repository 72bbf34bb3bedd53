/** The videos that await a delivery, for all that look at them: while there are none, and no hint comes, the ledger is rarely asked. */
import type { Clock } from './clock.ts'
import { HINT_KINDS } from './hint.ts'
import type { Hints } from './hints.ts'
import type { Ledger } from './ledger.ts'
import type { Video } from './video.ts'

/** How long it is taken that there are none, ms: a lost hint costs at most this. */
const NONE_MS = 5_000

/** The COMPLETED videos with an open delivery, as `Ledger.undeliveredVideos`. Rejects with `LedgerUnavailable`. */
export type UndeliveredVideos = () => Promise<readonly Video[]>

/** Makes the function for as long as these hints are there; nothing is read before the first call. */
export function createUndelivered({
  ledger,
  clock,
  hints,
}: {
  readonly ledger: Pick<Ledger, 'undeliveredVideos'>
  readonly clock: Pick<Clock, 'mono'>
  readonly hints: Pick<Hints, 'on'>
}): UndeliveredVideos {
  let noneAt = Number.NEGATIVE_INFINITY
  let heard = 0
  hints.on(HINT_KINDS, () => {
    noneAt = Number.NEGATIVE_INFINITY
    heard++
  })
  return async () => {
    const [at, before] = [clock.mono(), heard]
    if (at - noneAt < NONE_MS) return []
    const found = await ledger.undeliveredVideos()
    // What a hint told of while they were read may not be in them.
    if (found.length === 0 && heard === before) noneAt = at
    return found
  }
}
