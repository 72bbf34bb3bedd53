/**
 * One loop of a worker, for an encode slot or a control-task slot:
 *
 *   idle ── claim ──► claiming ── claimed ──► working (fetch, encode, publish) ── settled ──► idle
 *    ▲  └─ nothing: wait for a hint or the poll interval ─┘            │
 *    └───────────── lost, released or failed: its own ledger write ────┘
 */

import { LedgerUnavailable, sentence } from '../../protocol/errors.ts'
import { IDLE_POLL_MS } from '../../protocol/limits.ts'
import type { Log } from '../../protocol/log.ts'
import type { Notifier } from '../../protocol/notifier.ts'
import type { Task } from '../../protocol/task.ts'
import type { AdmissionGate, Work } from '../admission.ts'
import type { Assigned, Attempts } from './attempts.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { OutageGrace } from './outage-grace.ts'

/** One slot, and how it claims. */
export interface WorkLoopOptions {
  /** For the log. */
  readonly name: string
  readonly work: Work
  readonly breaker: CircuitBreaker
  claim(): Promise<Assigned | null>
}

/** The parts that the loops share. */
export interface WorkLoopModules {
  readonly log: Log
  /** Time from a claim that got nothing to the next without a hint, ms. */
  pollMs(): number
  /** Notified when there may be a task to claim. */
  readonly notifier: Notifier
  readonly grace: OutageGrace
  readonly admission: Pick<AdmissionGate, 'mayClaim'>
  readonly attempts: Pick<Attempts, 'run'>
  /** Tasks that have released their slot and still run: added and removed here. */
  readonly waiting: Set<Task>
}

/** Runs the loop until the signal aborts. Never rejects. */
export async function runWorkLoop(
  options: WorkLoopOptions,
  modules: WorkLoopModules,
  signal: AbortSignal,
): Promise<void> {
  const { notifier, grace, log } = modules
  for (let idleMs = 0; !signal.aborted; ) {
    try {
      if (idleMs > 0) await notifier.wait(idleMs, signal)
      idleMs = await workOnce(options, modules, signal)
    } catch (error) {
      if (signal.aborted) return
      idleMs = IDLE_POLL_MS
      if (error instanceof LedgerUnavailable) grace.noticed()
      else log.error('a work loop failed; retrying', { loop: options.name, error: sentence(error) })
    }
  }
}

/** Claims and runs a task; answers the ms to wait before the next claim, 0 after a run. */
async function workOnce(options: WorkLoopOptions, modules: WorkLoopModules, signal: AbortSignal): Promise<number> {
  const { work, breaker, claim } = options
  const { grace, admission } = modules
  const pollMs = modules.pollMs()
  const refusal = await grace.watch(() => admission.mayClaim(work))
  if (refusal === 'ledger_away') grace.noticed()
  if (refusal !== null) return pollMs
  const waitMs = await breaker.waitMs(signal)
  // At most one poll interval, so that a pause or drain is noticed meanwhile.
  if (waitMs > 0) return Math.min(pollMs, waitMs)
  const assigned = await claim()
  if (!assigned) return Math.min(pollMs, breaker.pauses.endsInMs())
  // A pause during the claim has released the attempts that ran then, but not this one.
  const isUnwanted = (await admission.mayClaim(work).catch(() => null)) === 'paused'
  await runInSlot(assigned, { work, breaker, isUnwanted }, modules)
  return 0
}

/** Runs the attempts; resolves when they have ended or released the slot. */
async function runInSlot(
  assigned: Assigned,
  { work, breaker, isUnwanted }: Pick<WorkLoopOptions, 'work' | 'breaker'> & { readonly isUnwanted: boolean },
  { attempts, waiting }: WorkLoopModules,
): Promise<void> {
  const [{ task }] = assigned
  const left = Promise.withResolvers<void>()
  const releaseSlot = () => {
    waiting.add(task)
    left.resolve()
  }
  const options = { counted: work === 'encode', isUnwanted, releaseSlot, ended: breaker.record }
  const ended = attempts.run(assigned, options).then(() => void waiting.delete(task))
  await Promise.race([ended, left.promise])
}
