/**
 * Delivers the artifacts of COMPLETED videos to the destinations that submitters named, each at its own path.
 *
 * Promises: idempotent; a file appears complete, verified and durable, and all of them before the delivery is recorded as done, as the mesh then
 * removes its blobs; a name that other bytes have becomes `<name>-<video id>`, written into the ledger before a file gets it; files of others
 * are not replaced; no partial file remains. Into a shared folder one peer delivers at a time, under a lease whose term fences its writes.
 */
import { join } from 'node:path'
import { deliveryNames, ownName } from '../../ledger/documents.ts'
import { type Artifact, pathFor } from '../../protocol/artifact.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Destination, OpenDestination } from '../../protocol/destination.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { isDiskFull, sentence, UsageError } from '../../protocol/errors.ts'
import { eventText } from '../../protocol/events.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { DELIVERY_BACKOFF_MS } from '../../protocol/limits.ts'
import type { UndeliveredVideos } from '../../protocol/undelivered.ts'
import type { Delivery, Video } from '../../protocol/video.ts'
import { type DeliveryFolders, isFolder } from './delivery-folders.ts'
import type { PendingSubmits } from './pending-submits.ts'
import { isOwnName, placeArtifacts } from './place-artifacts.ts'

/** The parts that delivery uses. */
export interface DeliveryOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly undelivered: UndeliveredVideos
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly openDestination: OpenDestination
  readonly deliveryFolders: DeliveryFolders
  /** Looks again which shared folders are seen. */
  lookAtFolders(): Promise<void>
  /** Runs `act` while this peer holds the lease to deliver into the shared folder; false where another has it. */
  underLease(
    folder: string,
    act: (term: number, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<boolean>
  readonly clock: Pick<Clock, 'mono'>
  readonly rng: Rng
  readonly emit: Emit
  readonly pendingSubmits: Pick<PendingSubmits, 'seen'>
  readonly hints: Pick<Hints, 'publish'>
}

/** Makes the deliveries of this peer, and those into shared folders that it sees. */
export interface Deliverer {
  /** Makes all open deliveries that this peer may make. Rejects only with the signal's reason or `LedgerUnavailable`; other failures are tried again. */
  round(signal: AbortSignal): Promise<void>
  /** Why deliveries fail now: one sentence for each video. */
  problems(): ReadonlyMap<VideoId, string>
}

/** The final path of one artifact. Throws `ReelmeshError('bad_artifact')`, as `pathFor` does. */
export const deliveredPath = (
  { dir, name }: Pick<Delivery, 'dir' | 'name'>,
  artifact: Pick<Artifact, 'path'>,
): string => join(dir, pathFor(artifact, name))

/** Whether a delivery of the video is of a source with this name: it may have got one of its own, `<name>-<video id>`. */
export const isOfSource = ({ name }: Pick<Delivery, 'name'>, video: VideoId, source: string): boolean =>
  deliveryNames(video, source).includes(name)

/** An open delivery that this peer may make. */
interface OpenDelivery {
  readonly video: Video
  readonly wanted: Delivery
  /** On this machine. */
  readonly folder: string
  /** Identifies the delivery; it stays the same when the name changes to `<name>-<video id>`. */
  readonly key: string
}

function keyOf(video: Video, wanted: Delivery): string {
  const name = isOwnName(video, wanted) ? wanted.name : ownName(video._id, wanted.name)
  return JSON.stringify([video._id, wanted.shared ?? wanted.dir, name])
}

/** A delivery that failed: why, how often, and when it is tried again (monotonic ms). */
interface Trouble {
  readonly video: VideoId
  readonly why: string
  readonly tries: number
  readonly notBefore: number
}

/** Why a delivery of this peer is not made; null where another peer makes it. */
function problemOf(answer: 'elsewhere' | 'unseen' | 'refused', { dir }: Delivery): string | null {
  if (answer === 'elsewhere') return null
  return answer === 'unseen'
    ? `the shared folder of ${dir} is not seen here now; \`reelmesh doctor\` says why`
    : `nobody asked this peer to deliver to ${dir}, or its record of that was lost; submit the film again with --out ${dir}`
}

/** The state after one more failure; each waits longer. */
function nextTrouble(
  { video, why, before }: { readonly video: VideoId; readonly why: string; readonly before: Trouble | undefined },
  { now, rng }: { readonly now: number; readonly rng: Rng },
): Trouble {
  const tries = (before?.tries ?? 0) + 1
  const { base: baseMs, max: maxMs } = DELIVERY_BACKOFF_MS
  return { video, why, tries, notBefore: now + backoffMs({ tries: tries - 1, baseMs, maxMs, rng }) }
}

/** Makes a deliverer. Its state is only about retries: the ledger has the open deliveries. */
export const createDeliverer = (options: DeliveryOptions): Deliverer => new Deliveries(options)

class Deliveries implements Deliverer {
  readonly #options: DeliveryOptions
  readonly #troubles = new Map<string, Trouble>()
  /** The destinations of open deliveries; each caches the hashes of its files. */
  readonly #destinations = new Map<string, Destination>()
  /** Why deliveries are not made here; null where another peer makes them. */
  readonly #cannot = new Map<VideoId, string | null>()

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  problems = (): ReadonlyMap<VideoId, string> => {
    const unmade = [...this.#cannot].flatMap(([video, why]) => (why === null ? [] : [[video, why] as const]))
    return new Map([...unmade, ...[...this.#troubles.values()].map(({ video, why }) => [video, why] as const)])
  }

  round = async (signal: AbortSignal): Promise<void> => {
    const now = this.#options.clock.mono
    const open = await this.#openDeliveries()
    for (const known of [this.#troubles, this.#destinations])
      for (const key of known.keys()) if (!open.some((each) => each.key === key)) known.delete(key)
    const due = open.filter(({ key }) => (this.#troubles.get(key)?.notBefore ?? 0) <= now())
    for (const [folder, all] of Map.groupBy(due, ({ wanted }) => wanted.shared?.folder)) {
      if (signal.aborted) return
      const deliverAll = (held: AbortSignal, term?: number) => this.#deliverAll(all, held, term)
      if (folder === undefined) await deliverAll(signal)
      else await this.#options.underLease(folder, (term, held) => deliverAll(held, term), signal)
    }
  }

  /** The open deliveries that this peer may make. Of those that it cannot make, the reason is kept. */
  async #openDeliveries(): Promise<OpenDelivery[]> {
    const { undelivered, deliveryFolders } = this.#options
    const open: OpenDelivery[] = []
    this.#cannot.clear()
    for (const video of await undelivered())
      for (const wanted of video.deliveries.filter(({ done_at }) => done_at === null)) {
        const folder = await deliveryFolders.folderOf(video._id, wanted)
        if (isFolder(folder)) open.push({ video, wanted, folder, key: keyOf(video, wanted) })
        else this.#cannot.set(video._id, problemOf(folder as 'elsewhere', wanted))
      }
    return open
  }

  async #deliverAll(all: readonly OpenDelivery[], signal: AbortSignal, term?: number): Promise<void> {
    for (const each of all) {
      if (signal.aborted) return
      try {
        await this.#deliver(each, signal, term)
      } catch (error) {
        if (signal.aborted) throw error
        await this.#failed(each, error)
      }
    }
  }

  /** `term`: of the lease of the shared folder. Where a newer one has begun, or the delivery is done, nothing is done. */
  async #deliver(open: OpenDelivery, signal: AbortSignal, term?: number): Promise<void> {
    const { self, ledger, store, exchange, pendingSubmits, hints, emit } = this.#options
    const { video, key } = open
    const wanted: Delivery = { ...open.wanted, ...(term !== undefined && { term }) }
    if (term !== undefined && (await ledger.nameDelivery(video._id, wanted, wanted.name)) === 'unchanged') return
    if (term !== undefined) await this.#mustBeSeen(open)
    const destination = this.#destinationOf(open)
    const delivery = await placeArtifacts({ self, video, destination, ledger, store, exchange, signal }, wanted)
    if (term !== undefined) await this.#mustBeSeen(open)
    if ((await ledger.finishDelivery(video._id, delivery)) === 'unchanged' && term !== undefined) return
    this.#troubles.delete(key)
    this.#destinations.delete(key)
    pendingSubmits.seen(video._id)
    hints.publish({ what: 'video', video: video._id })
    await emit({ code: 'delivered', peer: self, video: video._id, name: delivery.name, dir: delivery.dir })
  }

  /** Rejects where the shared folder is away now: its bare mount point would get the files, and count as delivered. */
  async #mustBeSeen({ video, wanted, folder }: OpenDelivery): Promise<void> {
    const { lookAtFolders, deliveryFolders } = this.#options
    await lookAtFolders()
    if ((await deliveryFolders.folderOf(video._id, wanted)) === folder) return
    throw new UsageError(`the shared folder of ${folder} is not seen here now; \`reelmesh doctor\` says why`)
  }

  #destinationOf({ key, folder }: OpenDelivery): Destination {
    const destination = this.#destinations.get(key) ?? this.#options.openDestination(folder)
    this.#destinations.set(key, destination)
    return destination
  }

  /** Emits one event for each reason. */
  async #failed({ video, wanted, key }: OpenDelivery, error: unknown): Promise<void> {
    const { self, clock, rng, emit } = this.#options
    const { _id, name } = video
    const reason = isDiskFull(error) ? 'the disk is full' : sentence(error)
    const event = { code: 'delivery_failed', peer: self, video: _id, name, dir: wanted.dir, reason } as const
    const why = eventText(event)
    const before = this.#troubles.get(key)
    this.#troubles.set(key, nextTrouble({ video: _id, why, before }, { now: clock.mono(), rng }))
    if (before?.why !== why) await emit(event)
  }
}
