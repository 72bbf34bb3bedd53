/**
 * One term of a leader: stamps its term, then runs every duty at each hint and at an interval (`duty-interval.ts`). A duty that fails is logged and runs again in
 * the next round.
 */

import type { Notifier } from '../protocol/notifier.ts'
import { runRounds } from '../protocol/rounds.ts'
import { createAnnounce } from './duties/announce.ts'
import { createBackup } from './duties/backup.ts'
import { createFinish } from './duties/finish.ts'
import { createLostInputs } from './duties/lost-inputs.ts'
import { createOrder } from './duties/order.ts'
import { createOverdue } from './duties/overdue.ts'
import { createQuarantine } from './duties/quarantine.ts'
import { createReclaim } from './duties/reclaim.ts'
import { createReplicateToLeader } from './duties/replicate-to-leader.ts'
import { createReplicateToPeers } from './duties/replicate-to-peers.ts'
import { createScale } from './duties/scale.ts'
import { createSweep } from './duties/sweep.ts'
import { createWebhooks } from './duties/webhooks.ts'
import type { CoordinatorModules, CoordinatorOptions, Duty, TermContext } from './duty.ts'
import { createDutyInterval } from './duty-interval.ts'
import { createOpenVideos } from './open-videos.ts'

/** One term of the leader. */
export interface Term {
  readonly term: number
  /** Aborts when the term is over. */
  readonly signal: AbortSignal
  /** Notified at each hint. */
  readonly notifier: Notifier
  stepDown(reason: string): void
}

/** Resolves once the signal has aborted and every duty has ended. Rejects where the term could not be stamped. */
export async function leadTerm(
  { term, signal, notifier, stepDown }: Term,
  options: CoordinatorOptions,
  modules: CoordinatorModules,
): Promise<void> {
  const { self, name } = options
  const { ledger, log, emit, suspicions } = modules
  await ledger.stampTerm(term)
  await emit({ code: 'leader', peer: self, name, term })
  const openVideos = createOpenVideos(modules)
  const context = contextOf({ term, stepDown, openVideos }, options, modules)
  const reclaim = createReclaim(context)
  const duties: Duty[] = [
    createSweep(context),
    createOrder(context),
    reclaim,
    createFinish(context),
    createReplicateToLeader(context),
    createLostInputs(context),
    createReplicateToPeers(context),
    createBackup(context, reclaim.noneRuns),
    createOverdue(context, reclaim.noneRuns),
    createQuarantine(context, reclaim.noneRuns),
    createAnnounce(context),
    ...(modules.webhooks ? [createWebhooks({ ...context, webhooks: modules.webhooks })] : []),
    ...(options.scaling ? [createScale(context, options.scaling)] : []),
  ]
  const interval = createDutyInterval(modules, reclaim.areRunning)
  const stopListening = suspicions.listen({ onLost: (peer, why) => void reclaim.lost(peer, why, signal) })
  try {
    // Each duty has a loop of its own, so that a slow fetch delays no merge.
    await Promise.all(
      duties.map(({ name, round }) => runRounds({ name, everyMs: interval.ms, round }, { notifier, log }, signal)),
    )
  } finally {
    stopListening()
    interval.stop()
    openVideos.stop()
  }
}

function contextOf(
  { term, stepDown, openVideos }: Pick<TermContext, 'term' | 'stepDown' | 'openVideos'>,
  { self, name, slots, host, capability, settles, audit, isOnlyCoordinator }: CoordinatorOptions,
  modules: CoordinatorModules,
): TermContext {
  const { ledger, store, exchange, clock, rng, log, emit, hints, peers, suspicions, mesh, reachable, running } = modules
  const { undelivered } = modules
  return {
    self,
    name,
    slots,
    host,
    capability,
    settles,
    audit,
    isOnlyCoordinator,
    term,
    openVideos,
    ledger,
    store,
    exchange,
    clock,
    rng,
    log,
    emit,
    hints,
    peers,
    suspicions,
    reachable,
    undelivered,
    running,
    connected: () => mesh.peers(),
    stepDown,
  }
}
