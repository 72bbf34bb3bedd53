/**
 * From when on silence of others may be held against them. To a peer that stood still (SIGSTOP, a paused container, a snapshot of its
 * machine) all others seem to have been silent as long; to one that is cut off from the mesh they fall silent all at once. After
 * the first, and as long as the second lasts, everybody's time begins anew.
 *
 * Leaves out: one single peer that falls silent where no other was heard. Nobody can tell which of the two is cut off then; it is held
 * for lost.
 */
import type { Clock } from '../protocol/clock.ts'
import { PRESENT_MS } from '../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../protocol/peer-table.ts'

export interface Silence {
  /** Looks at the clock and at who is heard: to be asked again within `PRESENT_MS`, or a standstill is suspected. */
  look(): void
  /** Silence counts from here, by the own monotonic clock, ms. */
  countsFrom(): number
}

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

/** Nobody is heard, and several fell silent together. Does not depend on how long ago, nor on who died before them. */
function isCutOff(peers: Pick<PeerTable, 'all'>, mono: number): boolean {
  if (presentPeers(peers, mono).length > 0) return false
  const others = peers.all().filter(({ beat }) => beat.state !== 'leaving')
  const last = Math.max(...others.map(({ heard_mono }) => heard_mono))
  return others.filter(({ heard_mono }) => last - heard_mono < PRESENT_MS).length > 1
}
