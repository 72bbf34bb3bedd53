/** The input of a task, brought here from whoever holds it: what a runner does first, and what a slot's look ahead does early. */
import type { BlobExchange } from '../../protocol/blobs.ts'
import type { Clock } from '../../protocol/clock.ts'
import { AttemptFailed, BlobMissing } from '../../protocol/errors.ts'
import type { Task, TaskInput } from '../../protocol/task.ts'

/** Asked again so often, a second apart, before an input counts as missing: who has just joined may not have met its holder. */
const INPUT_TRIES = 4
const INPUT_AGAIN_MS = 1_000

/** Answers where it lies; `BlobMissing` when nobody has it, `AttemptFailed('input_missing')` for a task that names none. */
export async function bringInput(
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
