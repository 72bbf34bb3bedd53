/**
 * Places all artifacts of a video in one destination under one name: the wanted one, or `<name>-<video id>` where other bytes have it. That
 * name is written into the ledger before a file gets it. Only this video uses it: a file under it is an older result, and is replaced.
 */
import { ownName } from '../../ledger/documents.ts'
import { type Artifact, pathFor } from '../../protocol/artifact.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { CopyMismatch, type Destination, FILE_MODE } from '../../protocol/destination.ts'
import { ReelmeshError } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Delivery, Video } from '../../protocol/video.ts'

/** The video and destination, and the parts that placing uses. */
export interface Placing {
  readonly self: PeerId
  readonly video: Video
  readonly destination: Destination
  readonly ledger: Pick<Ledger, 'nameDelivery'>
  readonly store: Pick<BlobStore, 'verify'>
  readonly exchange: Pick<BlobExchange, 'fetch'>
  readonly signal: AbortSignal
}

/** Whether a delivery has the name that only this video uses. */
export const isOwnName = (video: Video, { name }: Pick<Delivery, 'name'>): boolean => name.endsWith(`-${video._id}`)

/** Places all artifacts, durably. Answers the delivery with the name that they have. Rejects as `Destination` and `BlobExchange`. */
export async function placeArtifacts(placing: Placing, wanted: Delivery): Promise<Delivery> {
  const free = await nameFreely(placing, wanted)
  await placing.destination.prepare()
  return await placeAll(placing, free)
}

/** The delivery with its first name: the wanted one unless other bytes have it. */
async function nameFreely(placing: Placing, wanted: Delivery): Promise<Delivery> {
  const { video, destination, signal } = placing
  if (isOwnName(video, wanted)) return wanted
  for (const output of video.outputs) {
    const there = await destination.sha256At(pathFor(output, wanted.name), signal)
    if (there !== null && there !== output.sha256) return await takeOwnName(placing, wanted)
  }
  return wanted
}

/** Changes the name of the delivery to `<name>-<video id>`. */
async function takeOwnName({ ledger, video }: Placing, wanted: Delivery): Promise<Delivery> {
  const name = ownName(video._id, wanted.name)
  const named = await ledger.nameDelivery(video._id, wanted, name)
  if (named === 'unchanged' && wanted.term !== undefined)
    throw new ReelmeshError('superseded', 'another peer delivers this video now', { retryable: true })
  return { ...wanted, name }
}

/** Places every artifact under one name. Where another node takes the name meanwhile, the placed files are moved to the new one. */
async function placeAll(placing: Placing, delivery: Delivery): Promise<Delivery> {
  const { video, destination } = placing
  const placed: Artifact[] = []
  for (const output of video.outputs) {
    const outcome = await place(placing, delivery, output)
    if (outcome === 'taken') {
      const own = await takeOwnName(placing, delivery)
      for (const each of placed) await destination.move(pathFor(each, delivery.name), pathFor(each, own.name))
      return await placeAll(placing, own)
    }
    if (outcome === 'placed') placed.push(output)
  }
  return delivery
}

async function place(
  { self, video, destination, store, exchange, signal }: Placing,
  delivery: Delivery,
  output: Artifact,
): Promise<'placed' | 'there' | 'taken'> {
  const { sha256, bytes, holders, is_folder } = output
  const path = pathFor(output, delivery.name)
  const file = { path, sha256, bytes, is_folder, video: video._id, peer: self, mode: delivery.mode ?? FILE_MODE }
  if ((await destination.sha256At(path, signal)) !== sha256) {
    const from = await exchange.fetch({ sha256, bytes, video: video._id, holders, signal })
    try {
      await destination.put(file, from, signal)
    } catch (error) {
      // A corrupt blob is removed here, and fetched from another peer or made again.
      if (error instanceof CopyMismatch) await store.verify(sha256, video._id)
      throw error
    }
  }
  const isOnly = delivery.term !== undefined
  return await destination.place(file, { replace: isOwnName(video, delivery), isOnly, signal })
}
