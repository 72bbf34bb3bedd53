/**
 * What the calls of a node to its ledger say of its work: which attempts it began and how they ended, what it reclaimed, and when it became the leader.
 * The calls themselves are not changed.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { PeerId, TaskId } from '../../protocol/ids.ts'
import type { Changed, ClaimOutcome, Lease, Ledger, ObservedClaim, Task } from '../../protocol/ledger.ts'
import { LEASE_MS } from '../../protocol/limits.ts'
import type { WebhookOutcome, WebhookState } from '../../protocol/webhook-delivery.ts'

/** An attempt of this node, as it was claimed. */
export interface BegunAttempt {
  readonly task: Pick<Task, 'kind' | 'resolution' | 'frames' | 'start_pts' | 'end_pts' | 'time_base'>
  readonly isBackup: boolean
  /** Monotonic ms. */
  readonly at: number
}

/** Is called with what happens. */
export interface CallObserver {
  /** `ms`: how long the call took. */
  called(method: string, ms: number, isAnswered: boolean): void
  claimed(attempt: BegunAttempt): void
  /** `cause`: the code of a failure, else empty. */
  ended(attempt: BegunAttempt, end: 'completed' | 'failed' | 'released' | 'superseded', cause: string): void
  /** This peer, as the leader, ended so many claims of another one. */
  reclaimed(worker: PeerId, count: number): void
  /** This peer leads: `ms` after the last sign of life of the leader before; null where there was none. */
  leads(ms: number | null): void
  emitted(what: string): void
  /** An attempt at a webhook delivery ended so. */
  sentWebhook(state: WebhookState): void
}

type Method = (...given: never[]) => unknown

/** The same ledger, whose calls `observer` sees. */
export function watchCalls(
  ledger: Ledger,
  { clock, ...observer }: CallObserver & { readonly clock: Pick<Clock, 'mono'> },
): Ledger {
  const begun = new Map<string, BegunAttempt>()
  const keyOf = (task: TaskId, attempt: number) => `${task} ${attempt}`
  let before: { readonly lease: Lease; readonly at: number } | null = null

  const sawClaim = (outcome: ClaimOutcome) => {
    if (outcome.outcome === 'none') return
    const { task, attempt } = outcome
    const isBackup = task.claims.some((claim) => claim.attempt === attempt && claim.speculative)
    const one = { task, isBackup, at: clock.mono() }
    begun.set(keyOf(task._id, attempt), one)
    observer.claimed(one)
  }
  const sawEnd = (
    { task, attempt }: { task: TaskId; attempt: number },
    end: Parameters<CallObserver['ended']>[1],
    cause = '',
  ) => {
    const one = begun.get(keyOf(task, attempt))
    begun.delete(keyOf(task, attempt))
    if (one) observer.ended(one, end, cause)
  }
  const sawLease = (lease: Lease, nonce: string) => {
    const at = clock.mono()
    if (lease.nonce === nonce && before?.lease.nonce !== nonce) {
      const last = before !== null && before.lease.holder !== null ? before : null
      observer.leads(last && at - last.at + LEASE_MS - last.lease.remaining_ms)
    }
    before = { lease, at }
  }
  /** What an answer says, by method. */
  const sees: Readonly<Record<string, (answer: never, ...given: never[]) => void>> = {
    claimNext: sawClaim,
    claimTask: sawClaim,
    complete: (outcome: string, done: { task: TaskId; attempt: number }) =>
      sawEnd(done, outcome === 'done' ? 'completed' : 'superseded'),
    fail: (outcome: string, failed: { task: TaskId; attempt: number; code: string }) =>
      sawEnd(failed, outcome === 'done' ? 'failed' : 'superseded', outcome === 'done' ? failed.code : ''),
    release: (_: string, released: { task: TaskId; attempt: number }) => sawEnd(released, 'released'),
    renew: ({ lost }: { lost: readonly { task: TaskId; attempt: number }[] }) => {
      for (const one of lost) sawEnd(one, 'superseded')
    },
    reclaim: (ended: readonly TaskId[], claims: readonly ObservedClaim[]) => {
      const worker = claims[0]?.worker_id
      if (worker !== undefined && ended.length > 0) observer.reclaimed(worker, ended.length)
    },
    acquireLease: (lease: Lease, _: PeerId, nonce: string, name?: string) => {
      if (name === undefined || name === 'coordinator') sawLease(lease, nonce)
    },
    settleWebhook: (outcome: Changed, _: string, { state }: WebhookOutcome) => {
      if (outcome === 'changed') observer.sentWebhook(state)
    },
    addEvent: (_: unknown, { what }: { what: string }) => observer.emitted(what),
  }
  return withEachCall(ledger, clock, (name, given, ms, answer) => {
    observer.called(name, ms, answer !== null)
    if (answer !== null) sees[name]?.(answer.value as never, ...given)
  })
}

/** The same ledger; `saw` is called when a call has ended, with null where it failed. */
function withEachCall(
  ledger: Ledger,
  clock: Pick<Clock, 'mono'>,
  saw: (name: string, given: never[], ms: number, answer: { readonly value: unknown } | null) => void,
): Ledger {
  const watched = Object.entries(ledger as unknown as Record<string, unknown>).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value]
    return [
      name,
      (...given: never[]) => {
        const at = clock.mono()
        const answer = Reflect.apply(value as Method, ledger, given)
        if (answer instanceof Promise)
          answer.then(
            (value: unknown) => saw(name, given, clock.mono() - at, { value }),
            () => saw(name, given, clock.mono() - at, null),
          )
        return answer
      },
    ]
  })
  return Object.fromEntries(watched) as Ledger
}
