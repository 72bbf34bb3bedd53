/** What `reelmesh doctor` says of one shared folder. Pure. */
import type { SharedFolderState } from '../protocol/shared-folder.ts'
import type { PeerStatus } from '../protocol/status.ts'

/** The finding. `peers`: all others of the mesh; null where no node runs here that knows them. */
export function sharedFinding(
  { name, path, id, isWritable, problem }: SharedFolderState,
  peers: readonly Pick<PeerStatus, 'name' | 'shared'>[] | null,
): { readonly level: 'ok' | 'note' | 'bad'; readonly text: string } {
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
