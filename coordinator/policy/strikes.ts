/**
 * When a task fails for good. Strikes decide, not attempts: one code from enough different peers, or enough strikes of each peer where
 * few are eligible. A refused source or recipe fails at the first strike. Pure.
 */
import { type FailureCode, FINAL } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { STRIKE_PEERS, STRIKES_EACH, STRIKES_PEER_DIED } from '../../protocol/limits.ts'
import type { Strike } from '../../protocol/task.ts'

/** The failure of a task: its code, and the reason for people. */
export interface Verdict {
  readonly code: FailureCode
  readonly reason: string
}

/**
 * Whether these strikes fail a task; null where they do not. `capable`: the eligible peers; null where they are not known yet: then only
 * strikes from `STRIKE_PEERS` different peers count, as with an empty set.
 */
export function evaluateStrikes(
  strikes: readonly Strike[],
  { capable }: { capable: ReadonlySet<PeerId> | null },
): Verdict | null {
  for (const code of new Set(strikes.map((strike) => strike.code))) {
    const mine = strikes.filter((strike) => strike.code === code)
    if (FINAL.has(code)) return { code, reason: 'no other attempt would end differently' }
    if (code === 'peer_died') {
      if (mine.length >= STRIKES_PEER_DIED) return { code, reason: `its workers died ${mine.length} times` }
      continue
    }
    const byPeer = Map.groupBy(mine, (strike) => strike.worker_id)
    if (byPeer.size >= STRIKE_PEERS) return { code, reason: `${byPeer.size} peers failed at it` }
    const eligible = [...(capable ?? [])].filter((peer) => code === 'build_cannot' || !cannot(strikes, peer))
    if (eligible.length > 0 && eligible.length < STRIKE_PEERS && eligible.every((peer) => isOften(byPeer.get(peer)))) {
      return { code, reason: `every eligible peer (${eligible.length}) failed at it ${STRIKES_EACH} times` }
    }
  }
  return null
}

const isOften = (strikes: readonly Strike[] | undefined): boolean => (strikes?.length ?? 0) >= STRIKES_EACH

/** Whether the build of a peer crashes on the task: it is then not eligible, as its strikes say nothing about the task. */
const cannot = (strikes: readonly Strike[], peer: PeerId): boolean =>
  isOften(strikes.filter((strike) => strike.worker_id === peer && strike.code === 'build_cannot'))
