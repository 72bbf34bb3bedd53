/**
 * What may never happen to a task, as pure rules over one change of its document: before, after, and the event that did it.
 * The state table is protocol's own; the rest are the promises of the ledger's contract, each in one function.
 */
import type { FailureCode } from '../../protocol/errors.ts'
import type { PeerId, Sha256 } from '../../protocol/ids.ts'
import type { ObservedClaim } from '../../protocol/ledger.ts'
import { type Claim, TASK_TRANSITIONS, type Task, type TaskEvent } from '../../protocol/task.ts'

export interface Change {
  readonly event: TaskEvent | 'insert' | 'holder' | 'align'
  readonly before: Task | undefined
  readonly after: Task
  /** Ledger time. */
  readonly now: number
  /** What the ledger answered: whether it did something. */
  readonly held: boolean
  readonly term?: number | null
  readonly attempt?: number
  readonly worker?: PeerId
  readonly seen?: readonly ObservedClaim[]
  readonly strike?: FailureCode | null
  /** sha256 of an undisturbed run's output, where that is known. */
  readonly expected?: Sha256 | null
}

type Rule = (change: Change & { readonly before: Task }) => string | null

const has = (task: Task, attempt: number | undefined, worker: PeerId | undefined): boolean =>
  task.claims.some((claim) => claim.attempt === attempt && claim.worker_id === worker)
const gone = ({ before, after }: { before: Task; after: Task }): Claim[] =>
  before.claims.filter((claim) => !has(after, claim.attempt, claim.worker_id))

const followsTheTable: Rule = ({ event, before, after }) => {
  if (before.status === after.status) return null
  const row = TASK_TRANSITIONS.find((each) => each.event === event && each.from === before.status)
  return row?.to.includes(after.status) ? null : `went from ${before.status} to ${after.status} by ${event}`
}

const attemptsRise: Rule = ({ event, before, after, held }) => {
  const step = after.attempt - before.attempt
  const allowed = event === 'claim' && held ? 1 : 0
  return step === allowed ? null : `its attempt went from ${before.attempt} to ${after.attempt} by ${event}`
}

const claimsAreOneOrABackup: Rule = ({ event, before, after, now, held, attempt, worker }) => {
  if (event !== 'claim' || !held) return null
  if (!has(after, attempt, worker)) return `attempt ${attempt} was handed out and is not among its claims`
  const live = before.claims.filter((claim) => claim.expires_at > now)
  if (live.length === 0) return null
  if (before.backup_wanted && live.length === 1 && live[0]?.worker_id !== worker) return null
  return `was claimed although attempt ${live[0]?.attempt} is live for another ${live[0]!.expires_at - now} ms`
}

const claimsEndOnlyByTheirOwn: Rule = ({ event, before, after, now, attempt, worker, seen }) => {
  for (const claim of gone({ before, after })) {
    if (event === 'complete' || event === 'cancel') continue
    if (event === 'claim' && claim.expires_at <= now) continue
    const isOwn = claim.attempt === attempt && claim.worker_id === worker
    if ((event === 'fail' || event === 'release') && isOwn) continue
    if (
      seen?.some(
        (each) => each.token === claim.token && each.expires_at === claim.expires_at && each.attempt === claim.attempt,
      )
    )
      continue
    return `${event} ended the claim of attempt ${claim.attempt}, which is not the one that was meant`
  }
  return null
}

const endedMeansGone: Rule = ({ event, after, held, attempt, worker, seen }) => {
  const isEnd = (event === 'fail' || event === 'release') && !seen
  return isEnd && held && has(after, attempt, worker)
    ? `${event} of attempt ${attempt} was confirmed and its claim is still there`
    : null
}

const renewedMeansHeld: Rule = ({ event, after, held, attempt, worker }) =>
  event === 'renew' && held && !has(after, attempt, worker)
    ? `attempt ${attempt} was renewed and is not among its claims`
    : null

/** One commit for each life of a task, and only by an attempt among its claims. */
const commitsOnce: Rule = ({ event, before, after, held, attempt, worker }) => {
  const isSame = before.completed_attempt === after.completed_attempt && before.output?.sha256 === after.output?.sha256
  if (isSame)
    return event === 'complete' && held ? `attempt ${attempt} was answered "done" and nothing was committed` : null
  if (event === 'lost' && after.completed_attempt === null) return null
  if (event !== 'complete') return `its committed result changed by ${event}`
  if (before.completed_attempt !== null)
    return `was committed twice: attempts ${before.completed_attempt} and ${after.completed_attempt}`
  return has(before, attempt, worker) && after.completed_attempt === attempt
    ? null
    : `was committed by attempt ${attempt}, which is not among its claims`
}

const commitsTheRightBytes: Rule = ({ event, after, held, expected }) => {
  if (event !== 'complete' || !held || !expected) return null
  return after.output?.sha256 === expected ? null : 'was committed with other bytes than an undisturbed run makes'
}

const strikesAreEarned: Rule = ({ event, before, after, strike }) => {
  if (after.strikes.length <= before.strikes.length) return null
  const last = after.strikes.at(-1)
  return (event === 'fail' || event === 'reclaim') && last?.code === strike
    ? null
    : `got a strike (${last?.code}) by ${event}`
}

/** A deposed coordinator changes nothing. */
const newestTermWrites: Rule = ({ event, before, after, held, term }) => {
  if (after.coordinator_term < before.coordinator_term)
    return `its term fell from ${before.coordinator_term} to ${after.coordinator_term}`
  if (term == null || !held || before.coordinator_term <= term) return null
  return `was changed (${event}) by term ${term} although term ${before.coordinator_term} had stamped it`
}

const inputsChangeOnlyByRecut: Rule = ({ event, before, after }) =>
  before.input?.sha256 === after.input?.sha256 || event === 'recut' ? null : `its input changed by ${event}`

const recutsReplace: Rule = ({ event, before, after, held }) =>
  event === 'recut' && held && before.input?.sha256 === after.input?.sha256
    ? 'a recut was confirmed and its input is the lost one'
    : null

/** Later is allowed: a renewal after the ledger's clock went back keeps the longer wait. */
const claimableWhenClaimsEnd: Rule = ({ after }) => {
  const latest = Math.max(0, ...after.claims.map((claim) => claim.expires_at))
  return after.status === 'PROCESSING' && after.claimable_at < latest
    ? `is claimable at ${after.claimable_at}, its claims run out at ${latest}`
    : null
}

const statusMatchesClaims: Rule = ({ after }) => {
  if ((after.status === 'PROCESSING') !== after.claims.length > 0)
    return `is ${after.status} with ${after.claims.length} claims`
  return after.claims.length > 2 ? `has ${after.claims.length} claims` : null
}

const RULES: readonly Rule[] = [
  followsTheTable,
  attemptsRise,
  claimsAreOneOrABackup,
  claimsEndOnlyByTheirOwn,
  endedMeansGone,
  renewedMeansHeld,
  commitsOnce,
  commitsTheRightBytes,
  strikesAreEarned,
  newestTermWrites,
  inputsChangeOnlyByRecut,
  recutsReplace,
  claimableWhenClaimsEnd,
  statusMatchesClaims,
]

/** One sentence for each rule that this change breaks. */
export function brokenRules(change: Change): string[] {
  const { before, after, event } = change
  if (!before) return event === 'insert' ? [] : [`${after._id} appeared by ${event}`]
  return RULES.flatMap((rule) => {
    const broken = rule({ ...change, before })
    return broken ? [`${after._id} ${broken}`] : []
  })
}
