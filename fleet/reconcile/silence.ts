/**
 * The time from which the silence of other peers counts. For a process that was suspended (SIGSTOP, a paused container, a snapshot of its
 * machine) all others seem silent for that time; for one that is cut off from the mesh all others fall silent at once. After a suspension,
 * and while the process is cut off, the silence of every peer is counted from now.
 *
 * Not covered: a single other peer. Whether it or this one is cut off cannot be known; it counts as failed.
 */
import type { Clock } from '../../protocol/clock.ts'
import { PRESENT_MS } from '../../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'

/** Detects suspensions of this process and cuts of its network. */
export interface Silence {
  /** Reads the clock and the heard peers. The caller does so at least every `PRESENT_MS`: a longer gap counts as a suspension. */
  look(): void
  /** The time from which silence counts, monotonic ms. */
  countsFrom(): number
}

/** Makes a detector; silence counts from now. */
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

/** Whether no peer is heard, and several fell silent at the same time. */
function isCutOff(peers: Pick<PeerTable, 'all'>, mono: number): boolean {
  if (presentPeers(peers, mono).length > 0) return false
  const others = peers.all().filter(({ beat }) => beat.state !== 'leaving')
  const last = Math.max(...others.map(({ heard_mono }) => heard_mono))
  return others.filter(({ heard_mono }) => last - heard_mono < PRESENT_MS).length > 1
}
