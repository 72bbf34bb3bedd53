/**
 * Pieces of SQL that several transitions share. Parameters are named alike everywhere: `:task`, `:attempt`, `:worker`, `:token`,
 * `:term`, `:claimMs`, and `:now`, which the store binds.
 */
import { HOLDERS_MAX } from '../../protocol/limits.ts'

/** The fencing compare: the attempt is still among the claims. Independent of clocks. */
export const MINE = `_id=:task AND status='PROCESSING' AND EXISTS (SELECT 1 FROM json_each(chunks.claims)
  WHERE value ->> 'attempt' = :attempt AND value ->> 'worker_id' = :worker)`

const freshClaim = (speculative: boolean): string =>
  `json_object('attempt', attempt + 1, 'worker_id', :worker, 'token', :token, 'speculative', json('${speculative}'), 'expires_at', :now + :claimMs)`

/** Whether this worker may claim the task. */
export const ALLOWED = `NOT EXISTS (SELECT 1 FROM json_each(chunks.not_by) WHERE value = :worker)`

/** The write of a first claim: all earlier claims have expired. */
export const START = `status='PROCESSING', attempt=attempt + 1, worker_id=:worker, start_time=:now, speculative=0, backup_wanted=0,
  claimable_at=:now + :claimMs, claims=json_array(${freshClaim(false)})`

/** The write of a backup attempt, beside the other claim. */
export const START_BACKUP = `attempt=attempt + 1, worker_id=:worker, backup_wanted=0, claimable_at=max(claimable_at, :now + :claimMs),
  claims=json_insert(claims, '$[#]', ${freshClaim(true)})`

/** The claims without those that match `gone` (over `value`). */
export const claimsWithout = (gone: string): string =>
  `(SELECT json_group_array(json(value) ORDER BY key) FROM json_each(chunks.claims) WHERE NOT (${gone}))`

/** When the last of the other claims expires; 0 without any. */
export const latestWithout = (gone: string): string =>
  `(SELECT coalesce(max(value ->> 'expires_at'), 0) FROM json_each(chunks.claims) WHERE NOT (${gone}))`

/** The status of a task after claims have ended: PENDING, or PROCESSING with the other claim. `notBefore`: its new value. */
export function settle(gone: string, notBefore: string): string {
  return `claims=${claimsWithout(gone)}, status=iif(${latestWithout(gone)} > 0, 'PROCESSING', 'PENDING'), backup_wanted=0,
    not_before=${notBefore}, claimable_at=max(${notBefore}, ${latestWithout(gone)})`
}

/** A JSON array with one more element at its end, the oldest dropped beyond `kept`. `element` is SQL for JSON. */
export const appended = (array: string, element: string, maxLength: number): string =>
  `(SELECT json_group_array(json(value) ORDER BY key) FROM json_each(json_insert(${array}, '$[#]', ${element}))
    WHERE key > json_array_length(${array}) - ${maxLength})`

/** The compare of a coordinator's write. */
export const TERM = 'coordinator_term <= :term'

/** The compare of a delivery (`value`) with the term of its writer, where that has one. */
export const DELIVERY_TERM = `(:term IS NULL OR coalesce(value ->> 'term', 0) <= :term)`
/** A delivery with the term of its writer, where that has one. */
export const withTerm = (delivery: string): string =>
  `iif(:term IS NULL, ${delivery}, json_set(${delivery}, '$.term', :term))`

/** The holders with the added ones (a JSON array) as the newest, each once, at most `HOLDERS_MAX`. */
export const holders = (there: string, added: string): string =>
  `(SELECT json_group_array(peer ORDER BY n) FROM (
     SELECT old.value AS peer, old.key AS n FROM json_each(${there}) AS old
      WHERE old.value NOT IN (SELECT new.value FROM json_each(${added}) AS new)
     UNION ALL SELECT new.value, 1000 + new.key FROM json_each(${added}) AS new ORDER BY 2 DESC LIMIT ${HOLDERS_MAX}))`

/** Whether this blob (SQL for its JSON) has the bytes `:sha256` and does not name `:peer` yet. */
export const lacksHolder = (blob: string): string =>
  `(${blob} ->> 'sha256' = :sha256 AND :peer NOT IN (SELECT held.value FROM json_each(${blob}, '$.holders') AS held))`

/** The blob with `:peer` as its newest holder, where its hash is `:sha256`. */
export const withHolder = (blob: string): string =>
  `iif(${lacksHolder(blob)}, json_set(${blob}, '$.holders', json(${holders(`${blob} -> '$.holders'`, 'json_array(:peer)')})), ${blob})`

/** `lacksHolder` for an array of blobs. */
export const someLackHolder = (array: string): string =>
  `EXISTS (SELECT 1 FROM json_each(${array}) AS blob WHERE ${lacksHolder('blob.value')})`
export const allWithHolder = (array: string): string =>
  `(SELECT json_group_array(json(${withHolder('blob.value')}) ORDER BY blob.key) FROM json_each(${array}) AS blob)`

const SOME_HOLD = `EXISTS (SELECT 1 FROM json_each(chunks.input, '$.holders') AS held
  WHERE held.value IN (SELECT value FROM json_each(:present)))`
/** Whether the task has no input, or one of the peers `:present` (a JSON array; null: any) holds it. */
export const HAS_INPUT = `(:present IS NULL OR input IS NULL OR ${SOME_HOLD})`
/** Whether the task has an input and none of the peers `:present` holds it. */
export const LACKS_INPUT = `(input IS NOT NULL AND NOT ${SOME_HOLD})`

/** A list of statuses or kinds as SQL literals: partial indexes serve a statement with these. */
export const words = (list: readonly string[]): string => {
  if (!list.every((word) => /^[\w-]+$/.test(word)))
    throw new TypeError('a status or kind is letters, digits and dashes')
  return list.map((word) => `'${word}'`).join(', ')
}
