/**
 * Results where they were delivered: once a video is delivered the mesh has no other copy of them. People may move and change those files, so that each
 * is hashed before it is read for the first time, and again after every change; reads of an unchanged one cost nothing more.
 */
import { pathFor } from '../../protocol/artifact.ts'
import type { DeliveredBlobs, ReadableBlob } from '../../protocol/blobs.ts'
import type { Destination, FileAt, OpenDestination } from '../../protocol/destination.ts'
import type { Sha256, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { remember } from '../../protocol/remember.ts'
import type { Video } from '../../protocol/video.ts'
import { type DeliveryFolders, isFolder } from './delivery-folders.ts'

/** The parts that find delivered files. */
export interface DeliveredBlobsOptions {
  readonly ledger: Pick<Ledger, 'video'>
  readonly deliveryFolders: DeliveryFolders
  readonly openDestination: OpenDestination
}

/** Videos whose destinations, with the hashes of their files, are remembered: the last ones that were asked for. */
const REMEMBERED = 256

/** The results that this peer has delivered, or sees in a shared folder. */
export function createDeliveredBlobs({
  ledger,
  deliveryFolders,
  openDestination,
}: DeliveredBlobsOptions): DeliveredBlobs {
  const destinations = new Map<string, Destination>()
  /** Hashes under way, by destination and path: players ask for a file many times at once. */
  const hashing = new Map<string, Promise<Sha256 | null>>()

  function destinationOf(video: VideoId, folder: string): Destination {
    const key = `${video} ${folder}`
    const destination = destinations.get(key) ?? openDestination(folder)
    remember(destinations, key, destination, REMEMBERED)
    return destination
  }

  function sha256Of(destination: Destination, path: string): Promise<Sha256 | null> {
    const key = `${destination.address} ${path}`
    const found =
      hashing.get(key) ??
      // Whoever asks first may leave: the others, and it itself when it is back, have the hash all the same.
      destination.sha256At(path, new AbortController().signal).finally(() => hashing.delete(key))
    hashing.set(key, found)
    return found
  }

  async function findIn(video: Video, sha256: Sha256, signal: AbortSignal): Promise<ReadableBlob | null> {
    const outputs = video.outputs.filter((output) => output.sha256 === sha256)
    for (const delivery of video.deliveries.filter(({ done_at }) => done_at !== null)) {
      const folder = await deliveryFolders.folderOf(video._id, delivery)
      if (!isFolder(folder)) continue
      const destination = destinationOf(video._id, folder)
      for (const output of outputs) {
        signal.throwIfAborted()
        const path = pathFor(output, delivery.name)
        if ((await destination.bytesAt(path)) !== output.bytes || (await sha256Of(destination, path)) !== sha256)
          continue
        const file: FileAt = { path, sha256, bytes: output.bytes, is_folder: output.is_folder }
        return { bytes: output.bytes, read: (range, until) => destination.read(file, range, until) }
      }
    }
    return null
  }

  return {
    async open(sha256, id, signal) {
      const video = await ledger.video(id)
      return video?.status === 'COMPLETED' ? await findIn(video, sha256, signal) : null
    },
  }
}
