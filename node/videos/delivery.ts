/**
 * Puts the artifacts of a finished video where a submitter wants them: each at its own path below the folder.
 *
 * Promises: idempotent; a file appears at once, whole, verified and on the disk, and all of them before the delivery is recorded,
 * as the mesh then forgets its own copies; a name that other bytes have becomes `<name>-<video id>`, written into the ledger before a
 * file gets it, and no file of others is replaced; nothing partial stays in the folder.
 */
import { constants } from 'node:fs'
import { access, copyFile, mkdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createFileHashes } from '../../files/file-hashes.ts'
import { flush, flushFolder } from '../../files/flush.ts'
import { hashFile } from '../../files/hash-file.ts'
import { placeFile } from '../../files/place-file.ts'
import { ownName } from '../../ledger/documents.ts'
import { type Artifact, pathFor } from '../../protocol/artifact.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { isDiskFull, ReelmeshError, sentence, UsageError } from '../../protocol/errors.ts'
import { eventText } from '../../protocol/events.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { DELIVERY_BACKOFF_MS } from '../../protocol/limits.ts'
import type { Delivery, Video } from '../../protocol/video.ts'
import type { PendingSubmits } from './pending-submits.ts'

/** Where results come from, and where what happens to them is reported. */
export interface DeliveryOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly clock: Pick<Clock, 'mono'>
  readonly rng: Rng
  readonly emit: Emit
  readonly pendingSubmits: Pick<PendingSubmits, 'seen'>
  readonly hints: Pick<Hints, 'publish'>
}

/** Puts finished files into the folders they were ordered into, on the peer that took the order. */
export interface Deliverer {
  /** Delivers everything that is open and ready here. Rejects only when aborted or the ledger is away. */
  round(signal: AbortSignal): Promise<void>
  /** What stands in the way of a delivery, for people. */
  problems(): ReadonlyMap<VideoId, string>
}

/** The final path of one artifact. Throws `ReelmeshError('bad_artifact')`, as `pathFor` does. */
export const deliveredPath = (
  { dir, name }: Pick<Delivery, 'dir' | 'name'>,
  artifact: Pick<Artifact, 'path'>,
): string => join(dir, pathFor(artifact, name))

/** A folder that can be written to, made where it is missing. `UsageError` says why not. */
export async function prepareFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir)
    await access(dir, constants.W_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const why =
      code === 'ENOTDIR' || code === 'EEXIST'
        ? 'is not a folder'
        : code === 'EROFS'
          ? 'is on a read-only file system'
          : 'cannot be written to'
    throw new UsageError(`the output folder ${dir} ${why}; choose another with --out`, { cause })
  }
}

/** Level by level: Node's own recursive mkdir never returns below /proc, where a missing parent cannot be made. */
async function makeFolder(dir: string): Promise<void> {
  const parent = dirname(dir)
  if (parent !== dir && !(await exists(parent))) await makeFolder(parent)
  try {
    await mkdir(dir)
    await flushFolder(parent)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!(await stat(dir)).isDirectory()) throw Object.assign(new Error(`${dir} is not a folder`), { code: 'ENOTDIR' })
}

const isOwnName = (video: Video, { name }: Delivery): boolean => name.endsWith(`-${video._id}`)

/** A file that its owner moved meanwhile is not moved. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** What does not fit is not begun: it would take the last room from others. A copy that shares its blocks needs none. */
async function copyWhole(from: string, to: string, bytes: number): Promise<void> {
  try {
    return await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE)
  } catch {
    const { blocks, bavail, bsize } = await statfs(dirname(to))
    // Some file systems have no size to tell.
    if (blocks > 0 && bavail * bsize < bytes) throw Object.assign(new Error(`${to} does not fit`), { code: 'ENOSPC' })
    await copyFile(from, to)
  }
}

/** A delivery that failed: why, how often so far, and when it is tried again, by the monotonic clock. */
interface Trouble {
  readonly video: VideoId
  readonly why: string
  readonly tries: number
  readonly notBefore: number
}

/** Holds only what it needs to try again: the ledger knows what is still to be delivered. */
export function createDeliverer(options: DeliveryOptions): Deliverer {
  const { self, ledger, exchange, clock, rng } = options
  const troubles = new Map<string, Trouble>()
  /** One video may be wanted in a folder under several names, each of which may become its own. */
  const keyOf = (video: Video, delivery: Delivery): string => {
    const { dir, name } = delivery
    return JSON.stringify([video._id, dir, isOwnName(video, delivery) ? name : ownName(video._id, name)])
  }
  const hashes = createFileHashes()

  /** Gives up the wanted name. The new one is this video's own: whatever lies there is an older result of it, and is replaced. */
  async function takeOwnName(video: Video, wanted: Delivery): Promise<Delivery> {
    const name = ownName(video._id, wanted.name)
    await ledger.nameDelivery(video._id, wanted, name)
    return { ...wanted, name }
  }

  /** The name to begin with: the wanted one unless other bytes have it. */
  async function nameFreely(video: Video, wanted: Delivery): Promise<Delivery> {
    if (isOwnName(video, wanted)) return wanted
    for (const output of video.outputs) {
      const there = await hashes.at(deliveredPath(wanted, output))
      if (there !== null && there !== output.sha256) return await takeOwnName(video, wanted)
    }
    return wanted
  }

  /** Every file under one name, which is answered: where another node took it meanwhile, what is there already moves along. */
  async function placeAll(video: Video, delivery: Delivery, signal: AbortSignal): Promise<Delivery> {
    const placed: Artifact[] = []
    for (const output of video.outputs) {
      const got = await place(video, delivery, output, signal)
      if (got === 'taken') {
        const own = await takeOwnName(video, delivery)
        for (const each of placed) await move(deliveredPath(delivery, each), deliveredPath(own, each))
        return await placeAll(video, own, signal)
      }
      if (got === 'placed') placed.push(output)
    }
    return delivery
  }

  async function place(
    video: Video,
    delivery: Delivery,
    output: Artifact,
    signal: AbortSignal,
  ): Promise<'there' | 'placed' | 'taken'> {
    const to = deliveredPath(delivery, output)
    const part = join(dirname(to), `.${video._id}-${output.sha256.slice(0, 16)}-${self.slice(-8)}.part`)
    if ((await hashes.at(to)) === output.sha256) {
      await rm(part, { force: true })
      await flush(to)
      await flushFolder(dirname(to))
      return 'there'
    }
    const from = await exchange.fetch({ ...output, video: video._id, holders: output.holders, signal })
    await prepareFolder(dirname(to))
    // One that a kill left behind may be a placed file by its other name: it is not written into.
    await rm(part, { force: true })
    try {
      await copyWhole(from, part, output.bytes)
      const copied = await hashFile(part)
      if (copied.sha256 !== output.sha256) {
        // What rotted here is fetched elsewhere, or made again.
        await options.store.verify(output.sha256, video._id)
        throw new ReelmeshError('rotten_copy', `${to}: the bytes read are not those that were verified`)
      }
      await flush(part)
      if (isOwnName(video, delivery)) await rename(part, to)
      else if ((await placeFile(part, to)) === 'taken')
        return (await hashes.at(to)) === output.sha256 ? 'there' : 'taken'
    } finally {
      await rm(part, { force: true })
    }
    await flushFolder(dirname(to))
    return 'placed'
  }

  async function deliver(video: Video, wanted: Delivery, signal: AbortSignal): Promise<void> {
    const free = await nameFreely(video, wanted)
    await prepareFolder(free.dir)
    const delivery = await placeAll(video, free, signal)
    const { name } = delivery
    await ledger.finishDelivery(video._id, delivery)
    for (const output of video.outputs) hashes.forget(deliveredPath(delivery, output))
    troubles.delete(keyOf(video, wanted))
    options.pendingSubmits.seen(video._id)
    options.hints.publish({ what: 'video', video: video._id })
    await options.emit({ code: 'delivered', peer: self, video: video._id, name, dir: delivery.dir })
  }

  /** Emits one event for each reason. */
  async function failed(video: Video, delivery: Delivery, error: unknown): Promise<void> {
    const { _id, name } = video
    const reason = isDiskFull(error) ? 'the disk is full' : sentence(error)
    const event = { code: 'delivery_failed', peer: self, video: _id, name, dir: delivery.dir, reason } as const
    const why = eventText(event)
    const before = troubles.get(keyOf(video, delivery))
    const tries = (before?.tries ?? 0) + 1
    const { base: baseMs, max: maxMs } = DELIVERY_BACKOFF_MS
    const notBefore = clock.mono() + backoffMs({ tries: tries - 1, baseMs, maxMs, rng })
    troubles.set(keyOf(video, delivery), { video: _id, why, tries, notBefore })
    if (before?.why !== why) await options.emit(event)
  }

  return {
    problems: () => new Map([...troubles.values()].map(({ video, why }) => [video, why])),
    async round(signal) {
      const open = (await ledger.undeliveredVideos()).flatMap((video) =>
        video.deliveries
          .filter(({ peer, done_at }) => peer === self && done_at === null)
          .map((delivery) => ({ video, delivery, key: keyOf(video, delivery) })),
      )
      for (const key of troubles.keys()) if (!open.some((each) => each.key === key)) troubles.delete(key)
      for (const { video, delivery, key } of open) {
        if (signal.aborted) return
        if ((troubles.get(key)?.notBefore ?? 0) > clock.mono()) continue
        try {
          await deliver(video, delivery, signal)
        } catch (error) {
          if (signal.aborted) throw error
          await failed(video, delivery, error)
        }
      }
    },
  }
}
