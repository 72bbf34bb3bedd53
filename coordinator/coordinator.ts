/** The coordinator role of a peer: it runs for the lease, and leads while it holds it (`lead.ts`). */

import { HINT_KINDS } from '../protocol/hint.ts'
import { createNotifier } from '../protocol/notifier.ts'
import type { CoordinatorModules, CoordinatorOptions } from './duty.ts'
import { createElection } from './election.ts'
import { leadTerm } from './lead.ts'
import { createStepDown } from './step-down.ts'

/** The election and the leadership of one peer. */
export interface Coordinator {
  /** Idempotent. */
  start(): void
  /** The term that this peer leads in; null where it does not lead. */
  term(): number | null
  /** Releases the lease and waits for the duties to end. Idempotent. */
  stop(): Promise<void>
}

/** Makes a coordinator that is not started. */
export function createCoordinator(options: CoordinatorOptions, modules: CoordinatorModules): Coordinator {
  const { self } = options
  const { ledger, clock, rng, log, hints, admission } = modules
  const notifier = createNotifier(clock)
  const stepDowns = createStepDown({ self }, { clock, ledger })
  const stepDown = (reason: string): void => {
    if (stepDowns.stepDown(reason)) log.warn('this leader steps down', { reason })
  }
  const election = createElection(
    { self },
    {
      ledger,
      clock,
      rng,
      log,
      hints,
      mayLead: async () => (await stepDowns.reason()) ?? (await admission.mayLead()),
      lead: (term, signal) => leadTerm({ term, signal, notifier, stepDown }, options, modules),
    },
  )
  let unsubscribe: (() => void) | null = null

  return {
    start() {
      unsubscribe ??= hints.on(HINT_KINDS, notifier.notify)
      election.start()
    },
    term: election.term,
    async stop() {
      await election.stop()
      unsubscribe?.()
    },
  }
}
