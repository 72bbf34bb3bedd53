/** What is wrong with shared folders, in sentences that name the peers and say what to do. Pure. */
import type { Heartbeat } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { SeenFolder, SharedProblem } from '../../protocol/shared-folder.ts'
import type { StatusSnapshot } from '../../protocol/status.ts'
import { type NamedPeer, nameOf } from './sentences.ts'

/** A peer with the part of its last heartbeat that is about shared folders. */
export interface SharingPeer extends NamedPeer {
  readonly shared: readonly SeenFolder[]
  readonly problems: readonly SharedProblem[]
}

/** A peer, from its last heartbeat. */
export function sharingOf({ peer, beat }: { readonly peer: PeerId; readonly beat: Heartbeat }): SharingPeer {
  const { name, host, shared = [], shared_problems: problems = [] } = beat
  return { peer, name, host, shared, problems }
}

type Problem = StatusSnapshot['problems'][number]

/** Each problem once for all peers that have it, then names that stand for several folders. */
export const sharedProblems = (peers: readonly SharingPeer[]): Problem[] => [...reported(peers), ...namedTwice(peers)]

function reported(peers: readonly SharingPeer[]): Problem[] {
  const all = peers.flatMap(({ peer, problems }) => problems.map((problem) => ({ peer, ...problem })))
  return [...Map.groupBy(all, ({ video, text }) => `${video} ${text}`).values()].map((same) => {
    const having = same.map(({ peer }) => peer)
    const { video = null, text = '' } = same[0] ?? {}
    return { peers: having, video, text: `on ${namesOf(having, peers)}: ${text}` }
  })
}

function namedTwice(peers: readonly SharingPeer[]): Problem[] {
  const all = peers.flatMap(({ peer, shared }) => shared.map((seen) => ({ peer, ...seen })))
  return [...Map.groupBy(all, ({ name }) => name)].flatMap(([name, seen]) => {
    const folders = [...Map.groupBy(seen, ({ id }) => id).values()].map((same) => same.map(({ peer }) => peer))
    if (folders.length < 2) return []
    const where = folders.map((having) => `one on ${namesOf(having, peers)}`).join(', ')
    const text = `${name} is the name of ${folders.length} folders: ${where}; mount the same one, or give each a name of its own`
    return [{ peers: folders.flat(), video: null, text }]
  })
}

const namesOf = (ids: readonly NamedPeer['peer'][], peers: readonly NamedPeer[]): string =>
  ids.map((id) => nameOf(id, peers)).join(', ')
