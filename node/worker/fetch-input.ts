/** Fetches the input of a task from its holders: the first step of a runner, and what the prefetch of a slot does early. */
import type { BlobExchange } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed, BlobMissing } from '../../protocol/errors.ts'
import type { Task, TaskInput } from '../../protocol/task.ts'

/** Number of tries, a second apart, before an input counts as missing: a peer that has just joined may not be connected to its holder. */
const INPUT_TRIES = 4
const INPUT_AGAIN_MS = 1_000

/** The input and its path here. Rejects with `BlobMissing` where no peer has it, and `AttemptFailed('input_missing')` for a task without input. */
export async function fetchInput(
  { exchange, clock }: { exchange: Pick<BlobExchange, 'fetch'>; clock: Clock },
  task: Task,
  signal: AbortSignal,
): Promise<{ input: TaskInput; path: string }> {
  const { input } = task
  if (!input) throw new AttemptFailed('input_missing', `task ${task._id} names no input`)
  for (let tries = 1; ; tries++) {
    try {
      return { input, path: await exchange.fetch({ ...input, video: task.video_id, signal }) }
    } catch (error) {
      if (!(error instanceof BlobMissing) || tries === INPUT_TRIES) throw error
      await clock.sleep(INPUT_AGAIN_MS, signal)
    }
  }
}
