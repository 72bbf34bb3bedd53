/**
 * Prefetch: while a slot encodes, the input of its likely next task is fetched, so that a slow network costs no time. A guess claims nothing.
 * A free slot first asks for the guessed task, unless another video has become more urgent; where another worker has claimed it by then, the
 * transfer was useless.
 *
 * Each worker guesses from its own share of the waiting chunks (their index modulo the number of workers), so that two seldom fetch the same
 * one; without a chunk in its share, from the end of the order.
 */
import type { Clock } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { IDLE_POLL_MS, PREFETCH_TASKS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { createPace } from '../../protocol/pace.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'
import type { Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'

/** This worker, and the parts that prefetch uses. */
export interface PrefetcherOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly table: PeerTable
  readonly clock: Clock
  readonly log: Log
  /** Number of slots, and of guesses that are stored. */
  readonly slots: number
  readonly prefetch: NonNullable<Runner['prefetch']>
  canDo(task: Task): boolean
  mayClaim(): Promise<string | null>
}

/** The guesses of this worker. */
export interface Prefetcher {
  /** Called as an encode of this task begins. Never rejects, never waits. */
  prefetchAfter(task: Task): void
  /** Removes the oldest guess and answers it, or null where another video is more urgent now. Rejects with `LedgerUnavailable`. */
  takeGuess(): Promise<TaskId | null>
  stop(): Promise<void>
}

/** Makes a prefetcher without guesses. */
export function createPrefetcher(options: PrefetcherOptions): Prefetcher {
  const { self, ledger, table, clock, log } = options
  const stopping = new AbortController()
  const guesses: Task[] = []
  const pace = createPace(clock, IDLE_POLL_MS, 0)
  const fetching = new Set<Promise<void>>()

  function share(): { place: number; workers: number } {
    const others = presentPeers(table, clock.mono()).filter(({ beat }) => beat.slots > 0)
    const ids = [self, ...others.map(({ peer }) => peer)].sort()
    return { place: ids.indexOf(self), workers: ids.length }
  }

  async function prefetchNext(task: Task): Promise<void> {
    const { signal } = stopping
    // The input of the running task first: they share the network.
    await options.prefetch(task, signal)
    if ((await options.mayClaim()) !== null) return
    const kinds = kindsWhere(({ scope, countsAsEncode }) => scope === 'chunk' && countsAsEncode)
    const query = { video: task.video_id, kinds, statuses: ['PENDING'], limit: PREFETCH_TASKS } as const
    const waiting = (await ledger.tasks(query)).filter(options.canDo)
    const free = waiting.filter(({ chunk_id }) => !guesses.some((guess) => guess.chunk_id === chunk_id))
    const guess = guessNext(free, share())
    if (guess === null) return
    if (guesses.push(guess) > options.slots) guesses.shift()
    await options.prefetch(guess, signal)
  }

  return {
    prefetchAfter(task) {
      const fetch = prefetchNext(task).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.debug('a prefetch failed', { error: sentence(error) })
      })
      fetching.add(fetch)
      void fetch.finally(() => fetching.delete(fetch))
    },
    async takeGuess() {
      const guess = guesses.shift()
      // Behind a long queue a guess is mostly not checked: the claim then asks the ledger, which gives it the same task or a better one.
      if (!guess || !pace.isDue()) return null
      const open = await ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING'] })
      pace.looked(open.length)
      const own = open.find(({ _id }) => _id === guess.video_id)
      const isFirst = own && open.every(({ priority, due }) => !isBefore({ priority, due }, own))
      return isFirst ? guess._id : null
    },
    async stop() {
      stopping.abort(new DOMException('the worker stops', 'AbortError'))
      await Promise.all(fetching)
    },
  }
}

type Rank = Pick<Task, 'priority' | 'due'>
const isBefore = (a: Rank, b: Rank): boolean => a.priority > b.priority || (a.priority === b.priority && a.due < b.due)

/** Guesses the next task. `waiting` is in the order of claims, so that the first task of a chunk is the one that a claim would get. */
export function guessNext(waiting: readonly Task[], share: { place: number; workers: number }): Task | null {
  const firsts = [...Map.groupBy(waiting, ({ chunk_id }) => chunk_id).values()].flatMap(([first]) => first ?? [])
  return firsts.find(({ chunk_id }) => chunk_id % share.workers === share.place) ?? firsts.at(-1) ?? null
}
