/** Lists parts of what a running attempt makes, among the outputs of its task. */
import type { ListedParts } from '../steps.ts'
import { MINE } from './fragments.ts'
import type { Store } from './store.ts'

const PATHS = `(SELECT value ->> 'path' FROM json_each(:parts))`

const ADD = `UPDATE chunks SET outputs=(SELECT json_group_array(json(value) ORDER BY list, at) FROM (
    SELECT 0 AS list, key AS at, value FROM json_each(chunks.outputs) UNION ALL SELECT 1, key, value FROM json_each(:parts)))
  WHERE ${MINE} AND NOT EXISTS (SELECT 1 FROM json_each(chunks.outputs) WHERE value ->> 'path' IN ${PATHS}) RETURNING _id`

const REPLACE = `UPDATE chunks SET outputs=:parts
  WHERE ${MINE} AND NOT EXISTS (SELECT 1 FROM json_each(chunks.outputs) WHERE value ->> 'path' NOT IN ${PATHS}) RETURNING _id`

export async function listParts(
  store: Store,
  { task, attempt, worker, parts, instead }: ListedParts,
): Promise<boolean> {
  const given = { task, attempt, worker, parts: JSON.stringify(parts) }
  return (await store.write('sure', instead ? REPLACE : ADD, given)).length > 0
}
