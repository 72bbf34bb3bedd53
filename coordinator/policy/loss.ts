/**
 * When a blob that nobody offered counts as lost: at once where every holder named has said that it has it no more, else after `LOST_AFTER_MS` (a source: `SOURCE_LOST_AFTER_MS`), as an absent holder may come back. Bounded: the oldest watch is forgotten first.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import { LOST_AFTER_MS } from '../../protocol/limits.ts'
import type { HeldBlob } from '../../protocol/video.ts'

export interface LossJudge {
  /**
   * Call when every holder and every connected peer was asked and none offered it. `lacks`: who answered that it has it not; who
   * did not answer, though it is connected by now, may have it.
   */
  isLost(blob: Pick<HeldBlob, 'sha256' | 'holders'>, lacks: readonly PeerId[], afterMs?: number): boolean
  found(sha256: Sha256): void
  /** Whether something is missing and not yet given up. */
  isWatching(): boolean
}

const WATCHED_MAX = 10_000

export function createLossJudge({ clock }: { clock: Clock }): LossJudge {
  const since = new Map<Sha256, number>()
  return {
    isLost({ sha256, holders }, lacks, afterMs = LOST_AFTER_MS) {
      const first = since.get(sha256) ?? clock.mono()
      since.set(sha256, first)
      const oldest = since.keys().next().value
      if (since.size > WATCHED_MAX && oldest !== undefined) since.delete(oldest)
      const lost = holders.every((holder) => lacks.includes(holder)) || clock.mono() - first >= afterMs
      if (lost) since.delete(sha256)
      return lost
    },
    found: (sha256) => void since.delete(sha256),
    isWatching: () => since.size > 0,
  }
}
