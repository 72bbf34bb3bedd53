/**
 * The reconciler: makes the workers of one engine as many as the leader wants there. Each round compares the running workers with the wanted
 * number and carries out the difference. Only the engine's owner does so (`engine-owner.ts`), unless it is on standby (`standby.ts`). A new
 * owner finds the workers of a failed one by the launcher's list.
 *
 * Promises
 * - A worker is drained before it ends. It is never removed while it may have a claim, nor because this peer itself was cut off
 *   (`silence.ts`).
 * - A worker that fails at once or never joins is reported, and started again after a growing wait (`start-backoff.ts`).
 * - An engine that does not answer or refuses is reported once, and tried again in the next round.
 * - A failure here does not stop running encodes.
 *
 * Where two peers both count themselves as the owner for a moment, they start too many workers; the surplus is drained.
 */
import { LedgerUnavailable } from '../../protocol/errors.ts'
import { EngineUnavailable } from '../../protocol/launcher.ts'
import type { EngineRecord } from '../../protocol/ledger.ts'
import { RECONCILE_MS } from '../../protocol/limits.ts'
import { createNotifier } from '../../protocol/notifier.ts'
import { presentPeers } from '../../protocol/peer-table.ts'
import { runRounds } from '../../protocol/rounds.ts'
import { carryOut, reportFailure, reportRecovery } from './change-workers.ts'
import { type Context, initialState, type ReconcilerOptions } from './context.ts'
import { ownedEngine } from './engine-owner.ts'
import { isHealthy, noteFirstSeen, type SeenWorker, seeWorker, wasStartedAfter } from './observe-workers.ts'
import { decideRound } from './plan-engine.ts'
import { isOnStandby, stepBackIfDue } from './standby.ts'
import { afterHealthyStart } from './standby-state.ts'
import { forgiven } from './start-backoff.ts'

/** Reconciles one engine, round after round. */
export interface Reconciler {
  /** Runs a round every `RECONCILE_MS` until it is stopped. Idempotent. */
  start(): void
  /** Runs one round. Rejects with `LedgerUnavailable`; a failure of the engine is reported instead. */
  round(): Promise<void>
  /** Ends the rounds, then closes the launcher. */
  stop(): Promise<void>
}

/** Number of failed workers in a row after which the engine counts as failing. */
const FAILURES_MANY = 3

/** A reconciler of the launcher's engine, not yet started. */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { clock, log, launcher } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const context: Context = { ...options, state: initialState(options), signal }
  let running: Promise<void> | null = null

  return {
    round: () => round(context),
    start() {
      running ??= runRounds(
        { name: 'reconcile', everyMs: RECONCILE_MS, round: () => round(context) },
        { notifier: createNotifier(clock), log },
        signal,
      )
    },
    async stop() {
      stopping.abort(new DOMException('stopped', 'AbortError'))
      await running
      await launcher.close()
    },
  }
}

async function round(context: Context): Promise<void> {
  const { state } = context
  state.silence.look()
  if (await isOnStandby(context)) return
  state.isWell = false
  try {
    const record = await ownedEngine(context)
    if (record) await reconcile(context, record)
    // An engine that answers is available again. Whether it can start workers shows only when one is healthy.
    if (record && state.reported instanceof EngineUnavailable) await reportRecovery(context)
    await stepBackIfDue(context, state.starts.failures >= FAILURES_MANY ? 'its workers fail' : null)
  } catch (error) {
    if (error instanceof LedgerUnavailable) throw error
    await stepBackIfDue(context, error)
    await reportFailure(context, error)
  }
}

/** Compares the engine with its record, and carries out the steps. */
async function reconcile(context: Context, record: EngineRecord): Promise<void> {
  const { state, clock, max, emit, self, signal } = context
  const workers = await observe(context)
  state.isWell = workers.some(isHealthy)
  if (workers.some((worker) => wasStartedAfter(worker, state.starts.failedAt, clock.mono()))) {
    state.starts = forgiven(state.starts)
    state.standby = afterHealthyStart(state.standby)
  }
  const { wanted } = record
  const decision = decideRound({ wanted, max, workers, counted_ms: clock.mono() - state.countedSince })
  const wasCapped = state.isCapped
  state.isCapped = decision.isCapped
  if (decision.isCapped && !wasCapped) await emit({ code: 'fleet_capped', peer: self, wanted, max })
  if (decision.isSatisfied) await reportRecovery(context)
  for (const step of decision.steps) {
    if (signal.aborted) return
    await carryOut(context, step, record.reason ?? 'wanted')
  }
}

/** The started workers of the engine, as this peer sees them now. */
async function observe({ state, clock, peers, ledger, launcher }: Context): Promise<SeenWorker[]> {
  const records = await ledger.peers()
  const listed = await launcher.list()
  state.silence.look()
  const now = clock.mono()
  state.firstSeen = noteFirstSeen(state.firstSeen, listed, now)
  const facts = {
    now,
    firstSeen: state.firstSeen,
    silenceFrom: state.silence.countsFrom(),
    heard: peers.all(),
    present: new Set(presentPeers(peers, now).map(({ peer }) => peer)),
    records,
  }
  return listed.map((worker) => seeWorker(worker, facts))
}
