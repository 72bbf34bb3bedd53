/**
 * Fetches the input of a task from its holders: the first step of a runner, and what the prefetch of a slot does early. A named holder that
 * answers that it lacks the bytes is removed from the chunk's tasks, so that the ledger knows it once and the input is cut again.
 */
import type { BlobExchange } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed, BlobMissing, LedgerUnavailable } from '../../protocol/errors.ts'
import { type PeerId, type TaskId, taskId } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { Assignment } from '../../protocol/runner.ts'
import type { Task, TaskInput } from '../../protocol/task.ts'
import type { PlanSource } from '../videos/plan-source.ts'

/** The parts that a fetch uses. */
export interface FetchInputOptions {
  readonly self: PeerId
  readonly exchange: Pick<BlobExchange, 'fetch' | 'whoHas'>
  readonly ledger: Pick<Ledger, 'removeInputHolder'>
  readonly plans: PlanSource
  readonly clock: Clock
}

/** Number of tries, a second apart, before an input counts as missing: a peer that has just joined may not be connected to its holder. */
const INPUT_TRIES = 4
const INPUT_AGAIN_MS = 1_000

/** The input and its path here. `onMissed`: called when a holder did not answer and is waited for. Rejects with `BlobMissing` where no peer has it, and `AttemptFailed('input_missing')` for a task without input. */
export async function fetchInput(
  options: FetchInputOptions,
  task: Task,
  signal: AbortSignal,
  onMissed: () => void = () => {},
): Promise<{ input: TaskInput; path: string }> {
  const { exchange, clock } = options
  const { input, video_id: video } = task
  if (!input) throw new AttemptFailed('input_missing', `task ${task._id} names no input`)
  for (let tries = 1; ; tries++) {
    try {
      return { input, path: await exchange.fetch({ ...input, video, signal }) }
    } catch (error) {
      if (!(error instanceof BlobMissing)) throw error
      const lacking = await lackingHolders(options, task, signal)
      if (tries === INPUT_TRIES || lacking.length === input.holders.length) {
        await removeHolders(options, task, lacking)
        throw error
      }
      onMissed()
      await clock.sleep(INPUT_AGAIN_MS, signal)
    }
  }
}

/** Named holders that lack the input; one that does not answer may have it. */
async function lackingHolders(
  { self, exchange }: FetchInputOptions,
  { input, video_id: video }: Task,
  signal: AbortSignal,
): Promise<PeerId[]> {
  const holders = input?.holders ?? []
  const others = holders.filter((peer) => peer !== self)
  if (!input || others.length === 0) return holders
  const { lacks } = await exchange.whoHas({ ...input, video, peers: others, signal })
  return holders.filter((peer) => peer === self || lacks.includes(peer))
}

async function removeHolders(
  { ledger, plans }: FetchInputOptions,
  task: Task,
  lacking: readonly PeerId[],
): Promise<void> {
  const { input } = task
  if (!input || lacking.length === 0) return
  try {
    for (const id of await sharing(task, plans))
      for (const peer of lacking) await ledger.removeInputHolder(id, input.sha256, peer)
  } catch (error) {
    // The next attempt finds it out again.
    if (!(error instanceof LedgerUnavailable)) throw error
  }
}

/** The tasks that have this input: this one, and all renditions of a chunk. */
async function sharing({ _id, kind, video_id, chunk_id }: Task, plans: PlanSource): Promise<TaskId[]> {
  if (kindFacts(kind).scope !== 'chunk') return [_id]
  const { renditions } = await plans.planOf(video_id)
  return [...new Set([_id, ...renditions.map(({ id }) => taskId(video_id, id, chunk_id))])]
}

/** `fetchInput` for an attempt: it waits meanwhile, and leaves its slot to other work while a holder does not answer. */
export async function fetchForAttempt(
  options: FetchInputOptions,
  { held, signal, waits, releaseSlot }: Assignment,
): Promise<{ input: TaskInput; path: string }> {
  waits(true)
  const fetched = await fetchInput(options, held[0].task, signal, releaseSlot)
  waits(false)
  return fetched
}
