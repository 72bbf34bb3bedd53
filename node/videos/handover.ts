/**
 * The handover of a drained peer: it stays until a peer that stays holds each output of COMPLETED tasks of open videos that it has. Without it,
 * draining workers would lose the chunks that they encoded last. Bounded by `HANDOVER_MS`.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { HANDOVER_MS } from '../../protocol/limits.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'

const LOOK_MS = 1_000

/** The parts that the handover uses. */
export interface HandoverOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly clock: Clock
}

/** Resolves when peers that stay hold everything, or after `HANDOVER_MS`; never rejects. */
export async function handOver({ self, ledger, clock }: HandoverOptions): Promise<void> {
  const giveUpAt = clock.mono() + HANDOVER_MS
  while (clock.mono() < giveUpAt) {
    // While the ledger is unavailable the number is not known: ask again.
    const alone = await heldAlone(ledger, self).catch(() => null)
    if (alone === 0) return
    await clock.sleep(LOOK_MS)
  }
}

/** Number of COMPLETED tasks of open videos whose output this peer holds, and none that is not drained too. Rejects with `LedgerUnavailable`. */
export async function heldAlone(ledger: Ledger, self: PeerId): Promise<number> {
  let count = 0
  const leaving = new Set((await ledger.peers()).filter(({ draining }) => draining).map(({ _id }) => _id)).add(self)
  const kinds = kindsWhere(({ outputCollected }) => outputCollected)
  for (const video of await ledger.videos({ statuses: OPEN_STATUSES })) {
    const tasks = await ledger.tasks({ video: video._id, kinds, statuses: ['COMPLETED'] })
    count += tasks.filter(
      ({ output }) => output?.holders.includes(self) && output.holders.every((holder) => leaving.has(holder)),
    ).length
  }
  return count
}
