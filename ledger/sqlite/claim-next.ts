/** PENDING, or PROCESSING with all claims expired, or a wanted backup → claimed: the first task, picked by SQLite. */
import type { Claimed, ClaimSource, NextAsk } from '../steps.ts'
import { ALLOWED, HAS_INPUT, START, START_BACKUP } from './fragments.ts'
import { type Row, taskOf } from './schema.ts'
import type { Store } from './store.ts'

export const CLAIMABLE: Readonly<Record<ClaimSource, string>> = {
  pending: `status='PENDING' AND not_before <= :now`,
  expired: `status='PROCESSING' AND claimable_at <= :now`,
  backup: `status='PROCESSING' AND backup_wanted=1 AND json_array_length(claims) = 1 AND claims ->> '$[0].worker_id' <> :worker`,
}

const claim = (from: ClaimSource): string => `UPDATE chunks SET ${from === 'backup' ? START_BACKUP : START} WHERE _id=(
    SELECT _id FROM chunks WHERE ${CLAIMABLE[from]} AND class IN (SELECT value FROM json_each(:classes))
      AND video_id NOT IN (SELECT value FROM json_each(:except)) AND ${ALLOWED}
      AND NOT (:unstruck AND EXISTS (SELECT 1 FROM json_each(strikes) WHERE value ->> 'worker_id' = :worker))
      AND ${HAS_INPUT}
    ORDER BY priority DESC, due, rank, _id LIMIT 1) RETURNING *`

const CLAIM = { pending: claim('pending'), expired: claim('expired'), backup: claim('backup') }

export async function claimNext(
  store: Store,
  { worker, token, classes, except = [], unstruck = false, present, from }: NextAsk,
): Promise<Claimed | null> {
  const parameters = {
    worker,
    token,
    classes: JSON.stringify(classes),
    except: JSON.stringify(except),
    unstruck: Number(unstruck),
    present: present ? JSON.stringify(present) : null,
    claimMs: store.claimMs,
  }
  return claimed(store, await store.write('light', CLAIM[from], parameters))
}

export function claimed({ documents }: Store, [row]: readonly Row[]): Claimed | null {
  const task = row ? documents.task(taskOf(row)) : null
  return task && { attempt: task.attempt, task }
}
