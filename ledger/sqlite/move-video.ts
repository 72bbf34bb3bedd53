/** Every transition of a video: one compare on status, term and plan, one write. */
import type { VideoId } from '../../protocol/ids.ts'
import { isOpen } from '../../protocol/video.ts'
import type { VideoMove } from '../steps.ts'
import { TERM, words } from './fragments.ts'
import type { Parameters, Store } from './store.ts'

export async function moveVideo(store: Store, id: VideoId, move: VideoMove): Promise<boolean> {
  const { sql, parameters } = statement(move)
  return (await store.write(AGAIN.has(move.to) ? 'light' : 'sure', sql, { id, ...parameters })).length > 0
}

/** States that a leader reaches again by the tasks that are there: after a power cut nothing of what people asked for or peers made is lost. */
const AGAIN: ReadonlySet<VideoMove['to']> = new Set(['PLANNING', 'MERGING'])

function statement(move: VideoMove): { sql: string; parameters: Parameters } {
  const compares = ['_id=:id', `status IN (${words(move.from)})`]
  if (move.term !== undefined) compares.push(TERM)
  if (move.plan) compares.push(move.plan === 'absent' ? 'plan IS NULL' : 'plan IS NOT NULL')
  if (move.openDelivery) compares.push(`EXISTS (SELECT 1 FROM json_each(deliveries) WHERE value ->> 'done_at' IS NULL)`)
  const sets = Object.keys(move.set ?? {}).map((column) => `${column}=:${column}`)
  if (move.to !== 'same') sets.push(`status=${words([move.to])}`, `ended_at=${isOpen(move.to) ? 'NULL' : ':now'}`)
  if (move.term !== undefined) sets.push('coordinator_term=:term')
  const { plan, outputs, ...plain } = move.set ?? {}
  const parameters = {
    ...plain,
    ...(plan === undefined ? {} : { plan: plan && JSON.stringify(plan) }),
    ...(outputs === undefined ? {} : { outputs: JSON.stringify(outputs) }),
    ...(move.term === undefined ? {} : { term: move.term }),
  }
  return { sql: `UPDATE videos SET ${sets.join(', ')} WHERE ${compares.join(' AND ')} RETURNING _id`, parameters }
}
