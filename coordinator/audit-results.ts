/** What the ledger holds of audits: which audits a task has, what each shows, and which results were disputed after they had been decided. */
import { auditId, type TaskId, taskId } from '../protocol/ids.ts'
import { AUDITS_EACH } from '../protocol/limits.ts'
import type { Task } from '../protocol/task.ts'
import type { TermContext } from './duty.ts'
import type { AuditResult } from './policy/audits.ts'

/** The audits of a task, in the order of their numbers. */
export function auditsOf({ _id }: Task, all: readonly Task[]): Task[] {
  const ids = Array.from({ length: AUDITS_EACH }, (_, n) => auditId(_id, n + 1))
  return ids.flatMap((id) => all.find((audit) => audit._id === id) ?? [])
}

/** The attempt that committed a task. */
export const attemptOf = ({ _id, completed_attempt }: Task) => ({ task: _id, attempt: completed_attempt ?? 0 })

/** What a completed task or audit shows; null without a result, and for one that was found wrong. */
export function resultOf({
  _id,
  status,
  worker_id,
  output,
  audit,
  end_time,
  completed_attempt,
}: Task): AuditResult | null {
  const sha256 = output?.es_sha256
  if (status !== 'COMPLETED' || audit === 'refuted' || worker_id === null || sha256 === undefined) return null
  return { task: _id, attempt: completed_attempt ?? 0, peer: worker_id, sha256, at: end_time ?? 0 }
}

/**
 * Results that were not to be audited, or had agreed, and of which another peer has made a different one since: a superseded backup. They are
 * chosen now. `compared`: audits that were looked at, kept by the caller. Rejects with `LedgerUnavailable`.
 */
export async function disputed(
  { ledger, term }: Pick<TermContext, 'ledger' | 'term'>,
  results: readonly Task[],
  audits: readonly Task[],
  { compared }: { readonly compared: Set<TaskId> },
): Promise<Task[]> {
  const found: Task[] = []
  for (const audit of audits) {
    if (audit.status !== 'COMPLETED' || audit.audit !== 'undecided' || compared.has(audit._id)) continue
    const id = taskId(audit.video_id, audit.resolution, audit.chunk_id)
    // One that is open, or made again now, is looked at once it is decided.
    const task = results.some(({ _id }) => _id === id) ? null : await ledger.task(id)
    if (task?.status !== 'COMPLETED') continue
    compared.add(audit._id)
    const isOther = task.output?.es_sha256 !== audit.output?.es_sha256
    if (!isOther || (task.audit !== 'none' && task.audit !== 'agreed')) continue
    const { marked } = await ledger.markAudits([attemptOf(task)], { from: task.audit, to: 'chosen', term })
    if (marked > 0) found.push(task)
  }
  return found
}
