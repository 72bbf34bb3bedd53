/**
 * Decides when a blob that no peer offered is lost: at once where holders are named and all have answered that they lack it, else after
 * `LOST_AFTER_MS` (a source: `SOURCE_LOST_AFTER_MS`), as an absent holder may return. The number of watches is bounded: the oldest is
 * removed first, and those of blobs that are no longer reported.
 */

import type { HeldBlob } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import { LOSS_WATCH_MS, LOST_AFTER_MS } from '../../protocol/limits.ts'

/** Watches of missing blobs. */
export interface LossDetector {
  /**
   * Whether a blob is lost that every holder and every connected peer was asked for and none offered. `lacks`: peers that
   * answered that they lack it; one that did not answer may have it. `afterMs`: default, `LOST_AFTER_MS`.
   */
  isLost(blob: Pick<HeldBlob, 'sha256' | 'holders'>, lacks: readonly PeerId[], afterMs?: number): boolean
  /** Ends the watch: the blob was found. */
  found(sha256: Sha256): void
  /** Ends watches of blobs that a scan of all wanted blobs, begun at `began` (monotonic ms), did not report. */
  endScan(began: number): void
}

const WATCHED_MAX = 10_000

/** A detector without watches. */
export function createLossDetector({ clock }: { clock: Clock }): LossDetector {
  const watched = new Map<Sha256, { readonly since: number; readonly askedAt: number }>()
  return {
    isLost({ sha256, holders }, lacks, afterMs = LOST_AFTER_MS) {
      const now = clock.mono()
      const since = watched.get(sha256)?.since ?? now
      watched.set(sha256, { since, askedAt: now })
      const oldest = watched.keys().next().value
      if (watched.size > WATCHED_MAX && oldest !== undefined) watched.delete(oldest)
      const isRefused = holders.length > 0 && holders.every((holder) => lacks.includes(holder))
      const lost = isRefused || now - since >= afterMs
      if (lost) watched.delete(sha256)
      return lost
    },
    found: (sha256) => void watched.delete(sha256),
    endScan(began) {
      // A scan skips a task that is being attempted again, and may itself last for minutes: neither ends a watch.
      for (const [sha256, { askedAt }] of watched)
        if (askedAt < began && clock.mono() - askedAt >= LOSS_WATCH_MS) watched.delete(sha256)
    },
  }
}
