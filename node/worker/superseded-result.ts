/** The result of a superseded attempt that differs from the committed one: it becomes an audit of it, which the leader has settled. */
import { auditOf } from '../../coordinator/policy/audits.ts'
import type { Rng } from '../../protocol/clock.ts'
import type { Hints } from '../../protocol/hints.ts'
import type { PeerId, Token } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { AUDITS_EACH, IDLE_PRIORITY } from '../../protocol/limits.ts'
import type { Task, TaskOutput } from '../../protocol/task.ts'
import { isOpen } from '../../protocol/video.ts'

/** The parts that this uses. */
export interface SupersededResultModules {
  readonly ledger: Pick<Ledger, 'video' | 'insertTasks' | 'claimTask' | 'complete'>
  readonly rng: Pick<Rng, 'token'>
  readonly hints: Pick<Hints, 'publish'>
}

/**
 * Records the result as that of an audit of the COMPLETED task, done with its first attempt. Nothing is recorded where its video has ended, or
 * it has as many audits as it may. Rejects with `LedgerUnavailable`.
 */
export async function addAudit(
  { self: worker }: { readonly self: PeerId },
  task: Task,
  output: TaskOutput,
  { ledger, rng, hints }: SupersededResultModules,
): Promise<void> {
  const video = await ledger.video(task.video_id)
  if (!video || !isOpen(video.status) || task.worker_id === null) return
  for (let n = 1; n <= AUDITS_EACH; n++) {
    const audit = auditOf(task, { n, not_by: [task.worker_id], priority: IDLE_PRIORITY })
    if ((await ledger.insertTasks([audit])).inserted === 0) continue
    const got = await ledger.claimTask({ worker, token: rng.token() as Token, task: audit._id, from: 'pending' })
    if (got.outcome === 'claimed') await ledger.complete({ task: audit._id, attempt: got.attempt, worker, output })
    hints.publish({ what: 'video', video: task.video_id })
    return
  }
}
