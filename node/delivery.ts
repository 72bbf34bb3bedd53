/**
 * Puts finished files where a submitter wants them: `<dir>/<rendition>/<name>.mp4`.
 *
 * Promises: idempotent; a file appears by rename, whole and verified; a name taken by other bytes becomes
 * `<name>-<video id>`, written into the ledger before the first rename; nothing partial stays in the folder.
 */
import { constants } from 'node:fs'
import { access, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import { isDiskFull, ReelmeshError, sentence, UsageError } from '../protocol/errors.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import type { Ledger } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Delivery, Video, VideoOutput } from '../protocol/video.ts'
import { hashFile } from './blobs/hash-file.ts'
import type { Young } from './young.ts'

export interface DeliveryOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly log: Log
  readonly young: Pick<Young, 'seen'>
  announce(video: VideoId): void
}

export interface Deliverer {
  /** Delivers everything that is open and ready here. Rejects only when aborted or the ledger is away. */
  round(signal: AbortSignal): Promise<void>
  /** What stands in the way of a delivery, for people. */
  problems(): ReadonlyMap<VideoId, string>
}

/** The final path of one output. */
export const deliveredPath = (
  delivery: Pick<Delivery, 'dir' | 'name'>,
  output: Pick<VideoOutput, 'resolution'>,
): string => join(delivery.dir, output.resolution, `${delivery.name}.mp4`)

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
  await mkdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  if (!(await stat(dir)).isDirectory()) throw Object.assign(new Error(`${dir} is not a folder`), { code: 'ENOTDIR' })
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

export function createDeliverer(options: DeliveryOptions): Deliverer {
  const { self, ledger, exchange, log } = options
  const problems = new Map<VideoId, string>()

  /** The name to use: the wanted one unless other bytes have it. */
  async function freeName(video: Video, delivery: Delivery): Promise<string> {
    for (const output of video.outputs) {
      const there = await hashFile(deliveredPath(delivery, output)).catch(() => null)
      if (there !== null && there.sha256 !== output.sha256) return `${delivery.name}-${video._id}`
    }
    return delivery.name
  }

  async function place(video: Video, output: VideoOutput, to: string, signal: AbortSignal): Promise<void> {
    const there = await hashFile(to).catch(() => null)
    if (there?.sha256 === output.sha256) return
    const from = await exchange.fetch({ ...output, video: video._id, holders: output.holders, signal })
    await prepareFolder(dirname(to))
    const part = join(dirname(to), `.${video._id}-${output.resolution}.part`)
    try {
      await copyFile(from, part, constants.COPYFILE_FICLONE)
      const copied = await hashFile(part)
      if (copied.sha256 !== output.sha256) {
        // What rotted here is fetched elsewhere, or made again.
        await options.store.verify(output.sha256, video._id)
        throw new ReelmeshError('rotten_copy', `${to}: the bytes read are not those that were verified`)
      }
      await rename(part, to)
    } finally {
      await rm(part, { force: true })
    }
  }

  async function deliver(video: Video, wanted: Delivery, signal: AbortSignal): Promise<void> {
    const name = wanted.name.endsWith(`-${video._id}`) ? wanted.name : await freeName(video, wanted)
    if (name !== wanted.name) await ledger.nameDelivery(video._id, wanted, name)
    const delivery = { ...wanted, name }
    await prepareFolder(delivery.dir)
    for (const output of video.outputs) await place(video, output, deliveredPath(delivery, output), signal)
    await ledger.finishDelivery(video._id, delivery)
    problems.delete(video._id)
    options.young.seen(video._id)
    options.announce(video._id)
    log.info('delivered', { video: video._id, name, dir: delivery.dir })
    await ledger.addEvent({
      what: 'delivered',
      peer: self,
      video: video._id,
      text: `${name}: delivered to ${delivery.dir}`,
    })
  }

  return {
    problems: () => problems,
    async round(signal) {
      for (const video of await ledger.owedVideos()) {
        for (const delivery of video.deliveries) {
          if (delivery.peer !== self || delivery.done_at !== null || signal.aborted) continue
          try {
            await deliver(video, delivery, signal)
          } catch (error) {
            if (signal.aborted) throw error
            const why = isDiskFull(error) ? 'the disk is full' : sentence(error)
            problems.set(video._id, `${video.name} could not be written to ${delivery.dir}: ${why}`)
            log.warn('a delivery failed and is tried again', { video: video._id, why })
          }
        }
      }
    },
  }
}
