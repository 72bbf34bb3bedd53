/**
 * What the leader does: stamps its term, then runs every duty at each hint or every `DUTY_MS`. A duty that fails is
 * told and tried again at the next round; none of them holds state that the ledger does not have.
 */
import { type Bell, createBell } from '../protocol/bell.ts'
import { HINT_KINDS } from '../protocol/hint.ts'
import type { PeerId } from '../protocol/ids.ts'
import { DUTY_MS } from '../protocol/limits.ts'
import type { LossReason } from '../protocol/mesh.ts'
import { runRounds } from '../protocol/rounds.ts'
import { createBackup } from './duties/backup.ts'
import { createCollect } from './duties/collect.ts'
import { createCopies } from './duties/copies.ts'
import { createFinish } from './duties/finish.ts'
import { createMembership } from './duties/membership.ts'
import { createScale } from './duties/scale.ts'
import { createSweep } from './duties/sweep.ts'
import { createTrust } from './duties/trust.ts'
import type { CoordinatorOptions, Duty, TermContext } from './duty.ts'
import { createElection, type Election } from './election.ts'
import { createResignation } from './resignation.ts'

export interface Coordinator {
  start(): void
  /** A connection of this peer's own was lost. */
  peerLost(peer: PeerId, why: LossReason): void
  term(): number | null
  stop(): Promise<void>
}

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { ledger, clock, log, self, name, hints } = options
  const bell: Bell = createBell(clock)
  const resignation = createResignation(options)
  let onLost: ((peer: PeerId, why: LossReason) => void) | null = null

  const resign = (reason: string): void => {
    if (resignation.resign(reason)) log.warn('resigns', { reason })
  }

  const mayLead = async (): Promise<string | null> => (await resignation.reason()) ?? (await options.mayLead())

  /** Each duty has a loop of its own: a slow fetch holds up nobody's merge. */
  const rounds = ({ name, round }: Duty, signal: AbortSignal): Promise<void> =>
    runRounds({ name, everyMs: DUTY_MS, round }, { bell, log }, signal)

  async function lead(term: number, signal: AbortSignal): Promise<void> {
    await ledger.stampTerm(term)
    await options.emit({ code: 'leader', peer: self, name, term })
    const context: TermContext = { ...options, term, resign }
    const membership = createMembership(context)
    onLost = (peer, why) => void membership.lost(peer, why, signal)
    try {
      const duties = [
        createSweep(context),
        membership,
        createFinish(context),
        createCollect(context),
        createCopies(context),
        createBackup(context),
        createTrust(context),
        ...(options.scaling ? [createScale(context, options.scaling)] : []),
      ]
      await Promise.all(duties.map((duty) => rounds(duty, signal)))
    } finally {
      onLost = null
    }
  }

  const election: Election = createElection({ self, ledger, clock, rng: options.rng, log, hints, mayLead, lead })
  let unsubscribe: (() => void) | null = null

  return {
    start() {
      unsubscribe ??= hints.on(HINT_KINDS, bell.ring)
      election.start()
    },
    peerLost: (peer, why) => onLost?.(peer, why),
    term: election.term,
    async stop() {
      await election.stop()
      unsubscribe?.()
    },
  }
}
