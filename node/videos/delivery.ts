/**
 * Delivers the artifacts of COMPLETED videos to the destinations that submitters named, each at its own path.
 *
 * Promises: idempotent; a file appears complete, verified and durable, and all of them before the delivery is recorded as done, as the mesh then
 * removes its blobs; a name that other bytes have becomes `<name>-<video id>`, written into the ledger before a file gets it; files of others
 * are not replaced; no partial file remains.
 */
import { join } from 'node:path'
import { ownName } from '../../ledger/documents.ts'
import { type Artifact, pathFor } from '../../protocol/artifact.ts'
import type { BlobExchange, BlobStore } from '../../protocol/blobs.ts'
import { backoffMs, type Clock, type Rng } from '../../protocol/clock.ts'
import type { Destination, OpenDestination } from '../../protocol/destination.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { isDiskFull, sentence } from '../../protocol/errors.ts'
import { eventText } from '../../protocol/events.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { DELIVERY_BACKOFF_MS } from '../../protocol/limits.ts'
import type { Delivery, Video } from '../../protocol/video.ts'
import type { PendingSubmits } from './pending-submits.ts'
import { isOwnName, placeArtifacts } from './place-artifacts.ts'

/** The parts that delivery uses. */
export interface DeliveryOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly openDestination: OpenDestination
  readonly clock: Pick<Clock, 'mono'>
  readonly rng: Rng
  readonly emit: Emit
  readonly pendingSubmits: Pick<PendingSubmits, 'seen'>
  readonly hints: Pick<Hints, 'publish'>
}

/** Makes the deliveries of this peer. */
export interface Deliverer {
  /** Makes all open deliveries of this peer. Rejects only with the signal's reason or `LedgerUnavailable`; other failures are tried again. */
  round(signal: AbortSignal): Promise<void>
  /** Why deliveries fail now: one sentence for each video. */
  problems(): ReadonlyMap<VideoId, string>
}

/** The final path of one artifact. Throws `ReelmeshError('bad_artifact')`, as `pathFor` does. */
export const deliveredPath = (
  { dir, name }: Pick<Delivery, 'dir' | 'name'>,
  artifact: Pick<Artifact, 'path'>,
): string => join(dir, pathFor(artifact, name))

/** An open delivery of this peer. */
interface OpenDelivery {
  readonly video: Video
  readonly wanted: Delivery
  /** Identifies the delivery; it stays the same when the name changes to `<name>-<video id>`. */
  readonly key: string
}

/** A delivery that failed: why, how often, and when it is tried again (monotonic ms). */
interface Trouble {
  readonly video: VideoId
  readonly why: string
  readonly tries: number
  readonly notBefore: number
}

/** The open deliveries of this peer among these videos. */
function openDeliveries(videos: readonly Video[], self: PeerId): OpenDelivery[] {
  return videos.flatMap((video) =>
    video.deliveries
      .filter(({ peer, done_at }) => peer === self && done_at === null)
      .map((wanted) => ({ video, wanted, key: keyOf(video, wanted) })),
  )
}

function keyOf(video: Video, wanted: Delivery): string {
  const name = isOwnName(video, wanted) ? wanted.name : ownName(video._id, wanted.name)
  return JSON.stringify([video._id, wanted.dir, name])
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
export function createDeliverer(options: DeliveryOptions): Deliverer {
  const { self, ledger, store, exchange, clock, rng, emit } = options
  const troubles = new Map<string, Trouble>()
  /** The destinations of open deliveries; each caches the hashes of its files. */
  const destinations = new Map<string, Destination>()

  function destinationOf({ key, wanted }: OpenDelivery): Destination {
    const destination = destinations.get(key) ?? options.openDestination(wanted.dir)
    destinations.set(key, destination)
    return destination
  }

  async function deliver(open: OpenDelivery, signal: AbortSignal): Promise<void> {
    const { video, wanted, key } = open
    const destination = destinationOf(open)
    const delivery = await placeArtifacts({ self, video, destination, ledger, store, exchange, signal }, wanted)
    await ledger.finishDelivery(video._id, delivery)
    troubles.delete(key)
    destinations.delete(key)
    options.pendingSubmits.seen(video._id)
    options.hints.publish({ what: 'video', video: video._id })
    await emit({ code: 'delivered', peer: self, video: video._id, name: delivery.name, dir: delivery.dir })
  }

  /** Emits one event for each reason. */
  async function failed({ video, wanted, key }: OpenDelivery, error: unknown): Promise<void> {
    const { _id, name } = video
    const reason = isDiskFull(error) ? 'the disk is full' : sentence(error)
    const event = { code: 'delivery_failed', peer: self, video: _id, name, dir: wanted.dir, reason } as const
    const why = eventText(event)
    const before = troubles.get(key)
    troubles.set(key, nextTrouble({ video: _id, why, before }, { now: clock.mono(), rng }))
    if (before?.why !== why) await emit(event)
  }

  return {
    problems: () => new Map([...troubles.values()].map(({ video, why }) => [video, why])),
    async round(signal) {
      const open = openDeliveries(await ledger.undeliveredVideos(), self)
      for (const known of [troubles, destinations])
        for (const key of known.keys()) if (!open.some((each) => each.key === key)) known.delete(key)
      for (const each of open) {
        if (signal.aborted) return
        if ((troubles.get(each.key)?.notBefore ?? 0) > clock.mono()) continue
        try {
          await deliver(each, signal)
        } catch (error) {
          if (signal.aborted) throw error
          await failed(each, error)
        }
      }
    },
  }
}
