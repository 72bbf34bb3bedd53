/**
 * When a blob that nobody offered counts as lost: at once where every holder named has said that it has it no more, else after
 * `LOST_AFTER_MS` (a source: `SOURCE_LOST_AFTER_MS`), as an absent holder may come back.
 * Bounded: the oldest watch is forgotten first, and any that nobody asks about any more.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import { LOSS_WATCH_MS, LOST_AFTER_MS } from '../../protocol/limits.ts'
import type { HeldBlob } from '../../protocol/video.ts'

export interface LossDetector {
  /**
   * Call when every holder and every connected peer was asked and none offered it. `lacks`: who answered that it has it not; who
   * did not answer, though it is connected by now, may have it.
   */
  isLost(blob: Pick<HeldBlob, 'sha256' | 'holders'>, lacks: readonly PeerId[], afterMs?: number): boolean
  found(sha256: Sha256): void
  /** Call after a look that asked about everything that is still wanted, begun at `began` (monotonic ms). */
  endScan(began: number): void
}

const WATCHED_MAX = 10_000

export function createLossDetector({ clock }: { clock: Clock }): LossDetector {
  const watched = new Map<Sha256, { readonly since: number; readonly askedAt: number }>()
  return {
    isLost({ sha256, holders }, lacks, afterMs = LOST_AFTER_MS) {
      const now = clock.mono()
      const since = watched.get(sha256)?.since ?? now
      watched.set(sha256, { since, askedAt: now })
      const oldest = watched.keys().next().value
      if (watched.size > WATCHED_MAX && oldest !== undefined) watched.delete(oldest)
      const lost = holders.every((holder) => lacks.includes(holder)) || now - since >= afterMs
      if (lost) watched.delete(sha256)
      return lost
    },
    found: (sha256) => void watched.delete(sha256),
    endScan(began) {
      // A look asks nothing while a worker tries the task again, and may itself last for minutes: neither ends a watch.
      for (const [sha256, { askedAt }] of watched)
        if (askedAt < began && clock.mono() - askedAt >= LOSS_WATCH_MS) watched.delete(sha256)
    },
  }
}
