/**
 * Pieces of SQL that several transitions share. Parameters are named alike everywhere: `:task`, `:attempt`, `:worker`, `:token`,
 * `:term`, `:claimMs`, and `:now`, which the store binds.
 */
import { HOLDERS_MAX } from '../../protocol/limits.ts'

/** The fence: the attempt is still among the claims. No clock in it. */
export const MINE = `_id=:task AND status='PROCESSING' AND EXISTS (SELECT 1 FROM json_each(chunks.claims)
  WHERE value ->> 'attempt' = :attempt AND value ->> 'worker_id' = :worker)`

const freshClaim = (speculative: boolean): string =>
  `json_object('attempt', attempt + 1, 'worker_id', :worker, 'token', :token, 'speculative', json('${speculative}'), 'expires_at', :now + :claimMs)`

/** What a first claim writes: whatever claims there were have run out. */
export const START = `status='PROCESSING', attempt=attempt + 1, worker_id=:worker, start_time=:now, speculative=0, backup_wanted=0,
  claimable_at=:now + :claimMs, claims=json_array(${freshClaim(false)})`

/** What a backup attempt writes beside the claim that lives. */
export const START_BACKUP = `attempt=attempt + 1, worker_id=:worker, backup_wanted=0, claimable_at=max(claimable_at, :now + :claimMs),
  claims=json_insert(claims, '$[#]', ${freshClaim(true)})`

/** Claims that are left when those that match `gone` (over `value`) are taken out. */
export const claimsWithout = (gone: string): string =>
  `(SELECT json_group_array(json(value) ORDER BY key) FROM json_each(chunks.claims) WHERE NOT (${gone}))`

/** When the claims that are left run out; 0 where none is. */
export const latestWithout = (gone: string): string =>
  `(SELECT coalesce(max(value ->> 'expires_at'), 0) FROM json_each(chunks.claims) WHERE NOT (${gone}))`

/** Where a task goes when claims end: back to PENDING, or on with the claim that lives. `notBefore` as it will be. */
export function settle(gone: string, notBefore: string): string {
  return `claims=${claimsWithout(gone)}, status=iif(${latestWithout(gone)} > 0, 'PROCESSING', 'PENDING'), backup_wanted=0,
    not_before=${notBefore}, claimable_at=max(${notBefore}, ${latestWithout(gone)})`
}

/** A JSON array with one more element at its end, the oldest dropped beyond `kept`. `element` is SQL for JSON. */
export const appended = (array: string, element: string, maxLength: number): string =>
  `(SELECT json_group_array(json(value) ORDER BY key) FROM json_each(json_insert(${array}, '$[#]', ${element}))
    WHERE key > json_array_length(${array}) - ${maxLength})`

/** A coordinator's compare and what it sets. */
export const TERM = 'coordinator_term <= :term'

/** Holders: those there, then the added ones (a JSON array) as the newest, each once, at most `HOLDERS_MAX`. */
export const holders = (there: string, added: string): string =>
  `(SELECT json_group_array(peer ORDER BY n) FROM (
     SELECT old.value AS peer, old.key AS n FROM json_each(${there}) AS old
      WHERE old.value NOT IN (SELECT new.value FROM json_each(${added}) AS new)
     UNION ALL SELECT new.value, 1000 + new.key FROM json_each(${added}) AS new ORDER BY 2 DESC LIMIT ${HOLDERS_MAX}))`

/** Whether this blob (SQL for its JSON) has the bytes `:sha256` and does not name `:peer` yet. */
export const lacksHolder = (blob: string): string =>
  `(${blob} ->> 'sha256' = :sha256 AND :peer NOT IN (SELECT held.value FROM json_each(${blob}, '$.holders') AS held))`

/** That blob with `:peer` as its newest holder; another one as it is. */
export const withHolder = (blob: string): string =>
  `iif(${lacksHolder(blob)}, json_set(${blob}, '$.holders', json(${holders(`${blob} -> '$.holders'`, 'json_array(:peer)')})), ${blob})`

/** The same for an array of blobs. */
export const someLackHolder = (array: string): string =>
  `EXISTS (SELECT 1 FROM json_each(${array}) AS blob WHERE ${lacksHolder('blob.value')})`
export const allWithHolder = (array: string): string =>
  `(SELECT json_group_array(json(${withHolder('blob.value')}) ORDER BY blob.key) FROM json_each(${array}) AS blob)`

/** Words of our own (statuses) written into the statement, so that partial indexes serve it. */
export const words = (list: readonly string[]): string => {
  if (!list.every((word) => /^[A-Z]+$/.test(word))) throw new TypeError('a status is upper-case letters')
  return list.map((word) => `'${word}'`).join(', ')
}
