/**
 * What a slot will probably take next: while it encodes, that task's input comes over the mesh, so that a slow link costs no
 * time. A guess claims nothing and promises nothing. The guessed task is asked for first when a slot is free, unless another
 * video has become more urgent; where somebody else has it by then, one transfer was in vain.
 *
 * Each worker guesses from its own share of the chunks that wait (their number modulo the workers there are), so that two
 * seldom bring the same one; with none of its share left, from the end that the others reach last.
 */
import type { Clock } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { PREFETCH_TASKS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'
import type { Runner } from '../../protocol/runner.ts'
import type { Task } from '../../protocol/task.ts'

export interface LookAheadOptions {
  readonly self: PeerId
  readonly ledger: Ledger
  readonly table: PeerTable
  readonly clock: Clock
  readonly log: Log
  /** As many guesses are kept. */
  readonly slots: number
  readonly prefetch: NonNullable<Runner['prefetch']>
  canDo(task: Task): boolean
  mayClaim(): Promise<string | null>
}

export interface LookAhead {
  /** Called as an encode of this task begins. Never rejects, never waits. */
  look(task: Task): void
  /** The oldest guess, where its video is still the one to serve; it is then forgotten. */
  take(): Promise<TaskId | null>
  stop(): Promise<void>
}

export function createLookAhead(options: LookAheadOptions): LookAhead {
  const { self, ledger, table, clock, log } = options
  const stopping = new AbortController()
  const guesses: Task[] = []
  const fetching = new Set<Promise<void>>()

  function share(): { place: number; workers: number } {
    const others = presentPeers(table, clock.mono()).filter(({ beat }) => beat.slots > 0)
    const ids = [self, ...others.map(({ peer }) => peer)].sort()
    return { place: ids.indexOf(self), workers: ids.length }
  }

  async function bringNext(task: Task): Promise<void> {
    const { signal } = stopping
    // Its own input first: the link is shared.
    await options.prefetch(task, signal)
    if ((await options.mayClaim()) !== null) return
    const kinds = kindsWhere(({ scope }) => scope === 'chunk')
    const query = { video: task.video_id, kinds, statuses: ['PENDING'], limit: PREFETCH_TASKS } as const
    const waiting = (await ledger.tasks(query)).filter(options.canDo)
    const free = waiting.filter(({ chunk_id }) => !guesses.some((guess) => guess.chunk_id === chunk_id))
    const guess = guessNext(free, share())
    if (guess === null) return
    if (guesses.push(guess) > options.slots) guesses.shift()
    await options.prefetch(guess, signal)
  }

  return {
    look(task) {
      const fetch = bringNext(task).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.debug('nothing was brought ahead', { error: sentence(error) })
      })
      fetching.add(fetch)
      void fetch.finally(() => fetching.delete(fetch))
    },
    async take() {
      const guess = guesses.shift()
      if (!guess) return null
      const open = await ledger.videos({ statuses: ['QUEUED', 'PLANNING', 'RUNNING'] })
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

/** Of tasks in the order of claims: the first of a chunk is its dearest that waits, which a claim would get. */
export function guessNext(waiting: readonly Task[], share: { place: number; workers: number }): Task | null {
  const firsts = [...Map.groupBy(waiting, ({ chunk_id }) => chunk_id).values()].flatMap(([first]) => first ?? [])
  return firsts.find(({ chunk_id }) => chunk_id % share.workers === share.place) ?? firsts.at(-1) ?? null
}
