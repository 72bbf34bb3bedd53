/**
 * The owner of an engine. Every peer that reaches it is in the engine's record in the ledger; the present one with the smallest id is the
 * owner and reconciles it. Another takes over when the owner leaves or fails.
 */
import type { PeerId } from '../../protocol/ids.ts'
import type { EngineRecord, Ledger } from '../../protocol/ledger.ts'
import { isPresent } from '../../protocol/peer-table.ts'
import type { Context } from './context.ts'

/** The record of this peer's engine; null where another peer owns it. Rejects with `EngineUnavailable`, `LaunchRefused` or `LedgerUnavailable`. */
export async function ownedEngine(context: Context): Promise<EngineRecord | null> {
  const { self, ledger, state, clock } = context
  const engine = await engineId(context)
  let record = await recordOf(ledger, engine)
  if (!record?.peers.includes(self)) {
    // Where another present peer reached it, the leader knows of it already.
    if (!record?.peers.some((peer) => isPresent(context, peer))) state.countedSince = clock.mono()
    await ledger.addEnginePeer(engine, self)
    record = await recordOf(ledger, engine)
  }
  if (!record) return null
  return ownerOf(record.peers.filter((peer) => isPresent(context, peer))) === self ? record : null
}

/** The smallest id: peers that see the same others agree on it without a message. */
export const ownerOf = (present: readonly PeerId[]): PeerId | undefined => [...present].sort()[0]

/**
 * Removes this peer from the records of all engines but `except`, which its earlier process or configuration reached. Rejects with
 * `LedgerUnavailable`.
 */
export async function leaveEngines(
  ledger: Pick<Ledger, 'engines' | 'removeEnginePeer'>,
  self: PeerId,
  except: string | null,
): Promise<void> {
  for (const { _id, peers } of await ledger.engines())
    if (_id !== except && peers.includes(self)) await ledger.removeEnginePeer(_id, self)
}

/** The id of the engine, read from the launcher once; then this peer leaves the records of other engines. */
async function engineId({ state, launcher, ledger, self }: Context): Promise<string> {
  if (state.engine !== null) return state.engine
  const found = await launcher.engine()
  await leaveEngines(ledger, self, found)
  state.engine = found
  return found
}

const recordOf = async (ledger: Pick<Ledger, 'engines'>, engine: string): Promise<EngineRecord | undefined> =>
  (await ledger.engines()).find(({ _id }) => _id === engine)
