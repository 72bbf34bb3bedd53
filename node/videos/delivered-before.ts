/** Files of a COMPLETED video that were delivered here: the mesh has removed its blobs, and people may have moved the files. */
import { join } from 'node:path'
import { withScratch } from '../../files/with-scratch.ts'
import { type Artifact, pathFor } from '../../protocol/artifact.ts'
import { type BlobStore, hasRoomFor } from '../../protocol/blobs.ts'
import type { Destination, FileAt, OpenDestination } from '../../protocol/destination.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Delivery, Video } from '../../protocol/video.ts'
import { type DeliveryFolders, isFolder } from './delivery-folders.ts'

/** The parts that find and check earlier deliveries. */
export interface DeliveredBeforeOptions {
  readonly self: PeerId
  readonly deliveryFolders: DeliveryFolders
  readonly ledger: Pick<Ledger, 'addVideoHolder'>
  readonly store: Pick<BlobStore, 'adopt' | 'room' | 'scratch'>
  readonly openDestination: OpenDestination
}

type Place = Pick<Delivery, 'dir' | 'name'>

const filesOf = ({ outputs }: Video, { name }: Place): FileAt[] =>
  outputs.map((output: Artifact) => {
    const { sha256, bytes, is_folder } = output
    return { path: pathFor(output, name), sha256, bytes, is_folder }
  })

/** Whether every file is there with its size. */
async function areWhole(files: readonly FileAt[], destination: Destination): Promise<boolean> {
  for (const { path, bytes } of files) if ((await destination.bytesAt(path)) !== bytes) return false
  return files.length > 0
}

/** Whether every file of the video is in each of these destinations, by its hash. */
export async function areInPlace(
  video: Video,
  places: readonly Place[],
  openDestination: OpenDestination,
  signal: AbortSignal,
): Promise<boolean> {
  for (const place of places) {
    const [files, destination] = [filesOf(video, place), openDestination(place.dir)]
    if (!(await areWhole(files, destination))) return false
    for (const { path, sha256 } of files) if ((await destination.sha256At(path, signal)) !== sha256) return false
  }
  return true
}

/**
 * Copies the results back into the store from a folder that this peer may deliver to and that has all of them, for a further delivery. Results that no
 * destination has are made again.
 */
export async function takeBack(video: Video, options: DeliveredBeforeOptions, signal: AbortSignal): Promise<void> {
  const { store, openDestination, deliveryFolders } = options
  const bytes = video.outputs.reduce((sum, output) => sum + output.bytes, 0)
  for (const place of video.deliveries) {
    const folder = await deliveryFolders.folderOf(video._id, place)
    if (!isFolder(folder)) continue
    const [files, destination] = [filesOf(video, place), openDestination(folder)]
    if (!(await areWhole(files, destination)) || !hasRoomFor(bytes, await store.room())) continue
    const isBack = await withScratch(store, `back-${video._id}`, async (folder) => {
      for (const file of files) if (!(await destination.fetch(file, join(folder, file.sha256), signal))) return false
      await holdAll(video, files, folder, options)
      return true
    })
    if (isBack) return
  }
}

async function holdAll(
  { _id }: Video,
  files: readonly FileAt[],
  folder: string,
  { self, ledger, store }: DeliveredBeforeOptions,
): Promise<void> {
  for (const file of files) {
    await store.adopt(_id, join(folder, file.sha256), file)
    await ledger.addVideoHolder(_id, file.sha256, self)
  }
}
