/** PENDING (or all claims expired, or a wanted backup) → claimed: one given task. */
import type { TaskId } from '../../protocol/ids.ts'
import type { ClaimAsk, Claimed, TaskClaimSource } from '../steps.ts'
import { CLAIMABLE, claimed } from './claim-next.ts'
import { ALLOWED, HAS_INPUT, START, START_BACKUP } from './fragments.ts'
import type { Store } from './store.ts'

const claim = (start: string, claimable: string): string =>
  `UPDATE chunks SET ${start} WHERE _id=:task AND (${claimable}) AND ${ALLOWED} AND ${HAS_INPUT} RETURNING *`

const CLAIM: Readonly<Record<TaskClaimSource, string>> = {
  pending: claim(START, CLAIMABLE.pending),
  free: claim(START, `(${CLAIMABLE.pending}) OR (${CLAIMABLE.expired})`),
  backup: claim(START_BACKUP, CLAIMABLE.backup),
}

export async function claimTask(
  store: Store,
  { worker, token, task, present, from }: ClaimAsk & { task: TaskId; from: TaskClaimSource },
): Promise<Claimed | null> {
  const parameters = { worker, token, task, present: present ? JSON.stringify(present) : null, claimMs: store.claimMs }
  return claimed(store, await store.write('light', CLAIM[from], parameters))
}
