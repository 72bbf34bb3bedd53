/**
 * Blobs from peer to peer, by the contract of `protocol/blobs.ts`. A blob that is on this machine is not fetched, callers that want
 * the same blob share one transfer, and at most `BLOB_FETCHES_AT_ONCE` run. `fetch-blob.ts` fetches one blob, `serve-blobs.ts` is
 * the serving side.
 */
import { stat } from 'node:fs/promises'
import {
  type BlobAnswers,
  type BlobExchange,
  type BlobTraffic,
  type DeliveredBlobs,
  isIntact,
} from '../protocol/blobs.ts'
import { type Clock, deadline, type Rng } from '../protocol/clock.ts'
import { AttemptFailed, BlobMissing, isDiskFull, SourceChanged } from '../protocol/errors.ts'
import type { PeerId, Sha256 } from '../protocol/ids.ts'
import { BLOB_FETCHES_AT_ONCE, DIAL_TIMEOUT_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { fsPath } from '../protocol/path-text.ts'
import { remember } from '../protocol/remember.ts'
import { type DiskBlobStore, onDisk } from './blob-store.ts'
import { giveLines, type LinePorts } from './bulk/give-lines.ts'
import { createLineTaker, type LineTaker } from './bulk/take-line.ts'
import { ask, fetchBlob } from './fetch-blob.ts'
import { PartialBlob } from './partial-blob.ts'
import { createBlobServer } from './serve-blobs.ts'
import { createTurns, orAborted } from './turns.ts'

/** Blobs for which bad senders are remembered; beyond it the oldest are dropped. */
const BAD_SENDERS_MAX = 1_000
const ASKED_AT_ONCE = 16

/** What the exchange works with. */
export interface BlobExchangeOptions {
  readonly mesh: Mesh
  readonly store: DiskBlobStore
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  /** Where this peer waits for bulk lines; without it it neither gives nor takes any. */
  readonly lines?: LinePorts | null
  /** What it has delivered, and reads for others too. Absent: nothing. */
  readonly delivered?: DeliveredBlobs
  /** Counts what is sent and what arrives. */
  readonly traffic?: BlobTraffic
}

type Want = Parameters<BlobExchange['fetch']>[0]

/** A transfer and its number of waiting callers; without any it is aborted. */
interface Job {
  readonly holders: Set<PeerId>
  readonly controller: AbortController
  waiters: number
  done: Promise<void>
}

/** An exchange with a port of its own. */
export interface LinkedBlobExchange extends BlobExchange {
  /** Closes the bulk lines and their port. Idempotent. */
  stop(): Promise<void>
}

/** Makes the exchange and registers the handlers that serve blobs. Call it before `mesh.start`. */
export function createBlobExchange(options: BlobExchangeOptions): LinkedBlobExchange {
  const { mesh, lines: at } = options
  const serve = createBlobServer(options)
  mesh.handle('blob', serve)
  return new Exchange(
    options,
    at ? { stop: giveLines({ ...options, at, serve }), taker: createLineTaker(options) } : null,
  )
}

/** Both sides of the bulk lines. */
interface Lines {
  readonly taker: LineTaker
  stop(): Promise<void>
}

class Exchange implements LinkedBlobExchange {
  readonly #options: BlobExchangeOptions
  readonly #lines: Lines | null
  readonly #jobs = new Map<Sha256, Job>()
  readonly #badSenders = new Map<Sha256, Set<PeerId>>()
  readonly #turns = createTurns(BLOB_FETCHES_AT_ONCE)

  constructor(options: BlobExchangeOptions, lines: Lines | null) {
    this.#options = options
    this.#lines = lines
  }

  async stop(): Promise<void> {
    await this.#lines?.stop()
  }

  async fetch(want: Want): Promise<string> {
    for (let isVerified = want.isRead !== true; ; ) {
      want.signal.throwIfAborted()
      const here = await this.#here(want)
      if (here !== null && (isVerified || (await isIntact(this.#options.store, want.sha256, want.video)))) return here
      // A blob that is fetched now is verified while it arrives.
      isVerified = true
      const job = this.#jobs.get(want.sha256)
      // An aborted transfer still owns the partial file: wait for its end.
      if (job?.controller.signal.aborted) await job.done.catch(() => {})
      else await this.#join(job ?? this.#begin(want), want).catch((error) => this.#explain(error, want))
    }
  }

  /** A source that no peer has any more may be another file by now. */
  async #explain(error: unknown, { sha256, video }: Want): Promise<never> {
    const name = error instanceof BlobMissing ? await this.#options.store.changedSource(sha256, video) : null
    throw name === null ? error : new SourceChanged(name, { cause: error })
  }

  async #here(want: Want): Promise<string | null> {
    const { store } = this.#options
    const path = await store.findOrLink(want.sha256, want.video)
    const found = path === null ? null : await stat(fsPath(path)).catch(() => null)
    if (found?.size === want.bytes) return path
    // A truncated blob must not count as held: `verify` removes it.
    if (found !== null) await store.verify(want.sha256, want.video)
    return null
  }

  async #join(job: Job, want: Want): Promise<void> {
    for (const holder of want.holders) job.holders.add(holder)
    job.waiters++
    try {
      await orAborted(job.done, want.signal)
    } finally {
      if (--job.waiters === 0) job.controller.abort(new Error('no caller waits for this blob any more'))
    }
  }

  #begin(want: Want): Job {
    const job: Job = { holders: new Set(), controller: new AbortController(), waiters: 0, done: Promise.resolve() }
    this.#jobs.set(want.sha256, job)
    job.done = this.#run(want, job).finally(() => this.#jobs.delete(want.sha256))
    job.done.catch(() => {})
    return job
  }

  async #run(want: Want, job: Job): Promise<void> {
    const { store } = this.#options
    const { signal } = job.controller
    const release = await this.#turns(signal)
    try {
      const path = await store.fetchArea.take(want.sha256)
      const partial = new PartialBlob(path, want)
      await this.#transfer(partial, want, job).finally(() => partial.close())
      await store.adopt(want.video, path, { sha256: want.sha256, bytes: want.bytes })
    } catch (error) {
      if (!isDiskFull(error)) {
        await store.fetchArea.releaseFile(want.sha256)
        throw error
      }
      // The partial file is removed, so that smaller files fit again.
      await store.fetchArea.discard(want.sha256)
      throw error instanceof AttemptFailed
        ? error
        : new AttemptFailed('disk_full', 'the disk under the blob store is full', { cause: error })
    } finally {
      release()
    }
  }

  async #transfer(partial: PartialBlob, want: Want, job: Job): Promise<void> {
    const { signal } = job.controller
    await partial.resume(signal)
    if (partial.isWhole() && (await partial.hasRightHash())) return partial.create()
    if (partial.isWhole()) await partial.restart()
    const { store, mesh, clock, rng, log, traffic } = this.#options
    const lines = this.#lines?.taker ?? null
    const { freeBytes } = await store.room()
    if (freeBytes < want.bytes - partial.offset) {
      throw new AttemptFailed('disk_full', `a blob of ${want.bytes} bytes does not fit on this disk`)
    }
    const badSenders = this.#badSendersOf(want.sha256)
    await onDisk(() =>
      fetchBlob(partial, {
        ...{ mesh, lines, clock, rng, log, traffic },
        ...{ video: want.video, holders: job.holders, badSenders, signal },
      }),
    )
  }

  #badSendersOf(sha256: Sha256): Set<PeerId> {
    const badSenders = this.#badSenders.get(sha256) ?? new Set()
    remember(this.#badSenders, sha256, badSenders, BAD_SENDERS_MAX)
    return badSenders
  }

  async whoHas(want: Parameters<BlobExchange['whoHas']>[0]): Promise<BlobAnswers> {
    const { mesh, clock } = this.#options
    const peers = (want.peers.length > 0 ? want.peers : mesh.peers()).filter((peer) => peer !== mesh.self)
    const turns = createTurns(ASKED_AT_ONCE)
    const signal = deadline(clock, 2 * DIAL_TIMEOUT_MS, want.signal)
    const answers: Record<keyof BlobAnswers, PeerId[]> = { has: [], lacks: [] }
    const asking = peers.map(async (peer) => {
      try {
        const release = await turns(signal)
        try {
          const request = { v: 1, sha256: want.sha256, video: want.video, offset: 0, length: 0 } as const
          await using asked = await ask(request, peer, { mesh, clock, signal })
          answers[asked.answer.ok && asked.answer.bytes === want.bytes ? 'has' : 'lacks'].push(peer)
        } finally {
          release()
        }
      } catch {
        // A peer that does not answer is in neither list.
      }
    })
    await Promise.all(asking)
    return answers
  }
}
