/** Files of a finished video that were delivered here once: the mesh has dropped its own copies, and people may have moved theirs. */
import { constants } from 'node:fs'
import { copyFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hashFile } from '../../files/hash-file.ts'
import { type BlobStore, hasRoomFor } from '../../protocol/blobs.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Video } from '../../protocol/video.ts'
import { deliveredPath } from './delivery.ts'

type Place = Parameters<typeof deliveredPath>[0]

/** Whether every file of the video is there, of its size. */
async function isWhole(video: Video, place: Place): Promise<boolean> {
  for (const output of video.outputs) {
    const there = await stat(deliveredPath(place, output)).catch(() => null)
    if (there?.size !== output.bytes) return false
  }
  return video.outputs.length > 0
}

/** Whether every file of the video is in each of these places, by its hash. */
export async function areInPlace(video: Video, places: readonly Place[], signal: AbortSignal): Promise<boolean> {
  for (const place of places) {
    if (!(await isWhole(video, place))) return false
    for (const output of video.outputs) {
      const there = await hashFile(deliveredPath(place, output), signal).catch(() => null)
      signal.throwIfAborted()
      if (there?.sha256 !== output.sha256) return false
    }
  }
  return true
}

/**
 * Copies the results back into the store from a place of this peer's where all of them are, so that one more delivery finds them.
 * What cannot be had so is made again.
 */
export async function takeBack(
  video: Video,
  { self, ledger, store }: { self: PeerId; ledger: Ledger; store: BlobStore },
  signal: AbortSignal,
): Promise<void> {
  const bytes = video.outputs.reduce((sum, output) => sum + output.bytes, 0)
  for (const place of video.deliveries.filter(({ peer }) => peer === self)) {
    if (!(await isWhole(video, place)) || !hasRoomFor(bytes, await store.room())) continue
    const folder = await store.scratch(`back-${video._id}`)
    try {
      if (!(await copyInto(folder, video, place, signal))) continue
      for (const output of video.outputs) {
        await store.adopt(video._id, join(folder, output.sha256), output)
        await ledger.addVideoHolder(video._id, output.sha256, self)
      }
      return
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Whether all of them could be copied and are what they should be. */
async function copyInto(folder: string, video: Video, place: Place, signal: AbortSignal): Promise<boolean> {
  for (const output of video.outputs) {
    const to = join(folder, output.sha256)
    const copied = await copyFile(deliveredPath(place, output), to, constants.COPYFILE_FICLONE)
      .then(() => hashFile(to, signal))
      .catch(() => null)
    signal.throwIfAborted()
    if (copied?.sha256 !== output.sha256) return false
  }
  return true
}
