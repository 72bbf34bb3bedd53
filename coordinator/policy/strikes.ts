/**
 * When a task fails for good. Strikes decide, not attempts: one code from enough different peers, two eligible peers that say the same of its
 * data, or enough strikes of each peer where few are eligible. A refused source or recipe fails at the first strike. Pure.
 */
import { type FailureCode, FINAL } from '../../protocol/errors.ts'
import { saysTheSame } from '../../protocol/failure-words.ts'
import type { PeerId } from '../../protocol/ids.ts'
import { STRIKE_PEERS, STRIKES_EACH, STRIKES_PEER_DIED } from '../../protocol/limits.ts'
import type { Failure, Strike } from '../../protocol/task.ts'

/** The failure of a task: its code, and the reason for people. */
export interface Verdict {
  readonly code: FailureCode
  readonly reason: string
}

/**
 * Whether its strikes fail a task; null where they do not. `capable`: the eligible peers; null where they are not known yet: then only
 * strikes from `STRIKE_PEERS` different peers count, as with an empty set.
 */
export function evaluateStrikes(
  { strikes, failures }: { readonly strikes: readonly Strike[]; readonly failures: readonly Failure[] },
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
  return agreement(failuresOf(strikes, failures), capable ?? new Set())
}

/** The verdict of two peers that say the same. A peer that is not eligible, such as a quarantined one, has no voice in it. */
function agreement(failures: readonly Failure[], capable: ReadonlySet<PeerId>): Verdict | null {
  const voices = failures.filter(({ worker_id }) => capable.has(worker_id))
  const agreed = voices.find((one) =>
    voices.some((other) => other.worker_id !== one.worker_id && saysTheSame(one, other)),
  )
  return agreed ? { code: agreed.code, reason: '2 peers failed at it with the same message' } : null
}

/** The failures that gave these strikes. A task keeps its failures when its video is retried, but not its strikes. */
function failuresOf(strikes: readonly Strike[], failures: readonly Failure[]): Failure[] {
  const by = ({ code, worker_id }: Strike) => `${code} ${worker_id}`
  const counts = Map.groupBy(strikes, by)
  return [...Map.groupBy(failures, by)].flatMap(([who, given]) => {
    const count = counts.get(who)?.length ?? 0
    return count === 0 ? [] : given.slice(-count)
  })
}

const isOften = (strikes: readonly Strike[] | undefined): boolean => (strikes?.length ?? 0) >= STRIKES_EACH

/** Whether the build of a peer crashes on the task: it is then not eligible, as its strikes say nothing about the task. */
const cannot = (strikes: readonly Strike[], peer: PeerId): boolean =>
  isOften(strikes.filter((strike) => strike.worker_id === peer && strike.code === 'build_cannot'))
