/**
 * From when on the silence of other peers counts. To a process that was suspended (SIGSTOP, a paused container, a snapshot of its machine)
 * all others seem to have been silent for as long; to one that is cut off from the mesh they fall silent all at once. After the first,
 * and for as long as the second lasts, the silence of every peer is counted from the present moment.
 *
 * Leaves out: a single peer that falls silent where no other is heard. Which of the two is cut off cannot be known then; that peer
 * counts as lost.
 */
import type { Clock } from '../../protocol/clock.ts'
import { PRESENT_MS } from '../../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'

/** Watches for own suspensions and cuts. */
export interface Silence {
  /** Reads the clock and who is heard. To be called again within `PRESENT_MS`: a longer gap means that this process was suspended. */
  look(): void
  /** Silence counts from here, ms of the own monotonic clock. */
  countsFrom(): number
}

/** Silence counts from now on. */
export function createSilence({ clock, peers }: { clock: Clock; peers: Pick<PeerTable, 'all'> }): Silence {
  let from = clock.mono()
  let looked = from
  return {
    look() {
      const now = clock.mono()
      if (now - looked > PRESENT_MS || isCutOff(peers, now)) from = now
      looked = now
    },
    countsFrom: () => from,
  }
}

/** Nobody is heard, and several fell silent together, however long ago that was and whoever failed before them. */
function isCutOff(peers: Pick<PeerTable, 'all'>, mono: number): boolean {
  if (presentPeers(peers, mono).length > 0) return false
  const others = peers.all().filter(({ beat }) => beat.state !== 'leaving')
  const last = Math.max(...others.map(({ heard_mono }) => heard_mono))
  return others.filter(({ heard_mono }) => last - heard_mono < PRESENT_MS).length > 1
}
