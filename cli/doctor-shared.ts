/** What `reelmesh doctor` says of shared folders. Pure. */
import type { SharedFolderState } from '../protocol/shared-folder.ts'
import type { PeerStatus, StatusSnapshot } from '../protocol/status.ts'

type Found = { readonly level: 'ok' | 'note' | 'bad'; readonly text: string }

/** The finding on one folder. `peers`: all others of the mesh; null where no node runs here that knows them. */
export function sharedFinding(
  { name, path, id, isWritable, problem }: SharedFolderState,
  peers: readonly Pick<PeerStatus, 'name' | 'shared'>[] | null,
): Found {
  if (id === null) return { level: 'bad', text: `${name} at ${path}: ${problem}` }
  const what = `${name} at ${path} has the id ${id}, ${isWritable ? 'readable and writable' : 'readable only'}`
  if (peers === null) return { level: 'ok', text: `${what}; no node runs here that knows who else sees it` }
  const having = (is: (seen: { readonly name: string; readonly id: string }) => boolean) =>
    peers.filter(({ shared }) => shared.some(is)).map((peer) => peer.name)
  const others = having((seen) => seen.name === name && seen.id !== id)
  if (others.length > 0)
    return {
      level: 'bad',
      text: `${what}; ${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} another folder under this name: mount the same one there, or give it another name`,
    }
  const same = having((seen) => seen.id === id)
  if (same.length > 0) return { level: 'ok', text: `${what}; seen too by ${same.join(', ')}` }
  return { level: 'note', text: `${what}; no other peer sees it: one that does takes over when this one fails` }
}

/** Sources that the node here does not find in its shared folders, or finds to be other files. */
export const sourceFindings = ({ problems, self }: Pick<StatusSnapshot, 'problems' | 'self'>): Found[] =>
  problems.flatMap(({ peers, video, text }) =>
    video !== null && peers.includes(self) ? [{ level: 'bad', text: `the source of video ${video}, ${text}` }] : [],
  )
