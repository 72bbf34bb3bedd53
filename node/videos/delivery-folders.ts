/**
 * Where this peer may deliver: into private folders that it accepted itself or is configured with, and into shared ones that it is
 * configured with and sees.
 */
import { join, sep } from 'node:path'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { SharedFolders } from '../../protocol/shared-folder.ts'
import type { Delivery } from '../../protocol/video.ts'
import type { AcceptedDeliveries } from '../host/accepted-deliveries.ts'

/** A delivery, as far as its place goes. */
export type DeliveryPlace = Pick<Delivery, 'peer' | 'dir' | 'name' | 'shared'>

/** The folders that this peer may deliver to. */
export interface DeliveryFolders {
  /**
   * The folder of a delivery on this machine. `elsewhere`: another peer makes it. `unseen`: its shared folder is not seen here now.
   * `refused`: nobody asked this peer for it.
   */
  folderOf(video: VideoId, delivery: DeliveryPlace): Promise<string | 'elsewhere' | 'unseen' | 'refused'>
}

/** The parts that the answer depends on. */
export interface DeliveryFoldersOptions {
  readonly self: PeerId
  readonly folders: Pick<SharedFolders, 'pathOf'>
  readonly accepted: Pick<AcceptedDeliveries, 'has'>
  /** The configured folder of results of the watched folder; null without one. Absolute. */
  readonly output: string | null
}

/** Whether an answer is a folder of this machine: all absolute paths are. */
export const isFolder = (answer: string): boolean => answer.startsWith(sep)

/** The folders of a peer. */
export function createDeliveryFolders({ self, folders, accepted, output }: DeliveryFoldersOptions): DeliveryFolders {
  return {
    async folderOf(video, { peer, dir, name, shared }) {
      const there = shared && folders.pathOf(shared)
      if (there) return there
      if (peer !== self) return 'elsewhere'
      if (shared) return 'unseen'
      const isOwn = output !== null && (dir === output || dir.startsWith(join(output, sep)))
      const isPlain = isFolder(dir) && !dir.split(sep).includes('..')
      return isPlain && (isOwn || (await accepted.has({ video, dir, name }))) ? dir : 'refused'
    },
  }
}
