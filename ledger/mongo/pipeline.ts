/** Pieces of filters and pipelines that several transitions share: docs/ledger.md, A. Pure. */
import type { Document } from 'mongodb'
import type { PeerId, Sha256, TaskId } from '../../protocol/ids.ts'
import { HOLDERS_MAX } from '../../protocol/limits.ts'
import type { ClaimAsk } from '../steps.ts'
import { lit } from './bson.ts'

export const after = (ms: number): Document => ({ $add: ['$$NOW', ms] })

/** The fencing compare: the attempt is still among the claims. Independent of clocks. */
export const mine = ({ task, attempt, worker }: { task: TaskId; attempt: number; worker: PeerId }): Document => ({
  _id: task,
  status: 'PROCESSING',
  claims: { $elemMatch: { attempt, worker_id: worker } },
})

function freshClaim({ worker, token }: ClaimAsk, claimMs: number, speculative: boolean): Document {
  return {
    attempt: { $add: ['$attempt', 1] },
    worker_id: lit(worker),
    token: lit(token),
    speculative,
    expires_at: after(claimMs),
  }
}

/** The write of a first claim: all earlier claims have expired. */
export const start = (ask: ClaimAsk, claimMs: number): Document[] => [
  {
    $set: {
      status: 'PROCESSING',
      attempt: { $add: ['$attempt', 1] },
      worker_id: lit(ask.worker),
      start_time: '$$NOW',
      speculative: false,
      backup_wanted: false,
      claimable_at: after(claimMs),
      claims: [freshClaim(ask, claimMs, false)],
    },
  },
]

/** The write of a backup attempt, beside the other claim. */
export const startBackup = (ask: ClaimAsk, claimMs: number): Document[] => [
  {
    $set: {
      attempt: { $add: ['$attempt', 1] },
      worker_id: lit(ask.worker),
      backup_wanted: false,
      claims: { $concatArrays: ['$claims', [freshClaim(ask, claimMs, true)]] },
    },
  },
  CLAIMABLE,
]

/** INVARIANT: `claimable_at` follows every change of `claims` or `not_before`: an array's dates cannot be compared. */
export const CLAIMABLE: Document = { $set: { claimable_at: { $max: ['$not_before', { $max: '$claims.expires_at' }] } } }

/** The status of a task after claims have ended: PENDING, or PROCESSING with the other claim. */
export const SETTLE: readonly Document[] = [
  { $set: { status: { $cond: [{ $gt: [{ $size: '$claims' }, 0] }, 'PROCESSING', 'PENDING'] }, backup_wanted: false } },
  CLAIMABLE,
]

export const claimsWithout = (gone: Document): Document => ({
  $filter: { input: '$claims', as: 'claim', cond: { $not: [gone] } },
})

/** An array with one more element at its end, the oldest dropped beyond `kept`. */
export const appended = (array: string, element: unknown, maxLength: number): Document => ({
  $slice: [{ $concatArrays: [array, [element]] }, -maxLength],
})

/** The compare of a coordinator's write. */
export const term = (term: number): Document => ({ coordinator_term: { $lte: term } })

/** The holders with the added ones as the newest, each once, at most `HOLDERS_MAX`. */
export const holders = (there: string, added: readonly PeerId[]): Document => ({
  $slice: [
    {
      $concatArrays: [
        {
          $filter: {
            input: { $ifNull: [there, []] },
            as: 'holder',
            cond: { $not: [{ $in: ['$$holder', lit(added)] }] },
          },
        },
        lit(added),
      ],
    },
    -HOLDERS_MAX,
  ],
})

/** The blob with this peer as its newest holder, where it has these bytes and does not name it; else as it is. */
export const withHolder = (blob: string, sha256: Sha256, peer: PeerId): Document => ({
  $cond: [
    {
      $and: [
        { $eq: [`${blob}.sha256`, lit(sha256)] },
        { $not: [{ $in: [lit(peer), { $ifNull: [`${blob}.holders`, []] }] }] },
      ],
    },
    { $mergeObjects: [blob, { holders: holders(`${blob}.holders`, [peer]) }] },
    blob,
  ],
})
export const allWithHolder = (array: string, sha256: Sha256, peer: PeerId): Document => ({
  $map: { input: array, as: 'blob', in: withHolder('$$blob', sha256, peer) },
})

export const lacksHolder = (blob: string, sha256: Sha256, peer: PeerId): Document => ({
  [`${blob}.sha256`]: sha256,
  [`${blob}.holders`]: { $ne: peer },
})
export const someLackHolder = (array: string, sha256: Sha256, peer: PeerId): Document => ({
  [array]: { $elemMatch: { sha256, holders: { $ne: peer } } },
})
