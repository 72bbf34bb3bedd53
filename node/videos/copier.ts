/**
 * Makes replicas: fetches a video's source, or the results of its merge, when the leader asks this peer, and adds it as a holder. One at a
 * time; a request that fails is logged, and the leader asks another peer.
 */

import type { HeldBlob } from '../../protocol/blobs.ts'
import { type BlobExchange, type BlobStore, hasRoomFor } from '../../protocol/blobs.ts'
import { sentence } from '../../protocol/errors.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, TaskId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Log } from '../../protocol/log.ts'
import type { SharedSources } from './shared-sources.ts'

/** The parts that replication uses. */
export interface CopierOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly log: Log
  readonly sharedSources: Pick<SharedSources, 'hold'>
  /** Handles `copy`, and publishes `video` after each replica. */
  readonly hints: Hints
}

/** Makes replicas on this peer. */
export interface Copier {
  /** Handles requests from now on, until the signal aborts. A request that waits or runs already is not repeated. */
  start(signal: AbortSignal): void
  /** Resolves when no request waits or runs. */
  idle(): Promise<void>
}

/** Requests that may wait; others are dropped, and the leader repeats them. */
const WAITING_MAX = 100

/** Makes a copier that is not started. */
export function createCopier({ self, ledger, store, exchange, log, hints, sharedSources }: CopierOptions): Copier {
  const waiting = new Set<string>()
  let work = Promise.resolve()

  async function hold(video: VideoId, blob: HeldBlob, signal: AbortSignal): Promise<void> {
    if (!hasRoomFor(blob.bytes, await store.room())) throw new Error('the disk has too little room for a replica')
    await exchange.fetch({ ...blob, video, signal })
  }

  async function copySource(video: VideoId, signal: AbortSignal): Promise<void> {
    const found = await ledger.video(video)
    const source = found?.source
    if (!source) return
    const { holders } = source
    const { key } = found.recipe.package ?? {}
    if (key) await hold(video, { ...key, holders }, signal)
    // The file itself, where this peer sees it, instead of a copy.
    if (await sharedSources.hold(found, signal)) return void (await ledger.addVideoHolder(video, source.sha256, self))
    await hold(video, source, signal)
    for (const file of found.recipe.subtitles ?? []) await hold(video, { ...file, holders }, signal)
    await ledger.addVideoHolder(video, source.sha256, self)
  }

  async function copyOutputs(task: TaskId, signal: AbortSignal): Promise<void> {
    const found = await ledger.task(task)
    if (!found) return
    for (const output of found.outputs) {
      await hold(found.video_id, output, signal)
      await ledger.addTaskHolder(task, output.sha256, self)
      // Deliveries fetch from the holders that the video names.
      await ledger.addVideoHolder(found.video_id, output.sha256, self)
    }
  }

  function copy(video: VideoId, task: TaskId | null, signal: AbortSignal): void {
    const key = task ?? video
    if (waiting.has(key) || waiting.size >= WAITING_MAX) return
    waiting.add(key)
    work = work
      .then(() => (task === null ? copySource(video, signal) : copyOutputs(task, signal)))
      .then(
        () => hints.publish({ what: 'video', video }),
        (error: unknown) => {
          if (!signal.aborted)
            log.warn('a replica could not be made', { video, what: task ?? 'source', error: sentence(error) })
        },
      )
      .finally(() => waiting.delete(key))
  }

  return {
    start(signal) {
      const unsubscribe = hints.on(['copy'], ({ peer, video, task }) => {
        if (peer === self && video !== null) copy(video, task ?? null, signal)
      })
      signal.addEventListener('abort', unsubscribe, { once: true })
    },
    idle: () => work,
  }
}
