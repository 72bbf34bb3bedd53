/**
 * Standby: where an engine cannot run the wanted workers (its image is missing, it does not answer, its workers fail) and other peers can, its
 * owner removes itself from the engine's record, so that the leader gives the share to other engines, or another peer that reaches this one
 * becomes its owner. It tries again after a while, or as soon as an engine that did not answer does. Without other peers it continues.
 */
import { isPresent } from '../../protocol/peer-table.ts'
import type { Context } from './context.ts'
import { leaveEngines } from './engine-owner.ts'
import { afterRound, endedAt, failureOfEngine, isDue, isOver, onStandby } from './standby-state.ts'
import { forgiven } from './start-backoff.ts'

/** Whether this peer is on standby now. Rejects with `LedgerUnavailable`. */
export async function isOnStandby(context: Context): Promise<boolean> {
  const { state, clock } = context
  if (isOver(state.standby, clock.mono())) return false
  if ((await canOthers(context)) && !(state.standby.wasAway && (await answers(context)))) return true
  state.standby = endedAt(state.standby, clock.mono())
  return false
}

/**
 * Begins a standby where the engine has failed for long enough and others can run workers. `failure`: that of this round, or null. Rejects
 * with `LedgerUnavailable`.
 */
export async function stepBackIfDue(context: Context, failure: unknown): Promise<void> {
  const { state, self, ledger, clock, rng } = context
  const counted = failureOfEngine(failure, state.isWell)
  state.standby = afterRound(state.standby, counted, clock.mono())
  if (!isDue(state.standby, clock.mono()) || !(await canOthers(context))) return
  if (state.engine === null) await leaveEngines(ledger, self, null)
  else await ledger.removeEnginePeer(state.engine, self)
  state.standby = onStandby(state.standby, counted, clock.mono(), rng)
  state.starts = forgiven(state.starts)
  await context.emit({ code: 'engine_left', peer: self, engine: state.engine })
}

/** Whether another present peer reaches this engine or another one. */
async function canOthers(context: Context): Promise<boolean> {
  const records = await context.ledger.engines()
  return records.some(({ peers }) => peers.some((peer) => peer !== context.self && isPresent(context, peer)))
}

const answers = ({ launcher }: Context): Promise<boolean> =>
  launcher.list().then(
    () => true,
    () => false,
  )
