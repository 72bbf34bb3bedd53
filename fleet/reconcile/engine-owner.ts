/**
 * Who owns an engine. Every peer that reaches it says so in the engine's record in the ledger; the smallest of them that is present is
 * the owner, the one that reconciles it. The others take over when the owner goes.
 */
import type { PeerId } from '../../protocol/ids.ts'
import type { EngineRecord, Ledger } from '../../protocol/ledger.ts'
import { isPresent } from '../../protocol/peer-table.ts'
import type { Context } from './context.ts'

/** The record of this peer's engine; null where another peer owns it. Rejects with what the launcher or the ledger rejects with. */
export async function ownedEngine(context: Context): Promise<EngineRecord | null> {
  const { self, ledger, state, clock } = context
  const engine = await engineId(context)
  let record = await recordOf(ledger, engine)
  if (!record?.peers.includes(self)) {
    // Where another peer reached it, the leader counts on it already.
    if (!record?.peers.some((peer) => isPresent(context, peer))) state.countedSince = clock.mono()
    await ledger.addEnginePeer(engine, self)
    record = await recordOf(ledger, engine)
  }
  if (!record) return null
  return ownerOf(record.peers.filter((peer) => isPresent(context, peer))) === self ? record : null
}

/** The smallest id: all peers that see the same ones agree on it without asking each other. */
export const ownerOf = (present: readonly PeerId[]): PeerId | undefined => [...present].sort()[0]

/**
 * Takes this peer out of the records of all engines but `except`: an earlier process of it, or one with another configuration, reached
 * those. Rejects with `LedgerUnavailable`.
 */
export async function leaveEngines(
  ledger: Pick<Ledger, 'engines' | 'removeEnginePeer'>,
  self: PeerId,
  except: string | null,
): Promise<void> {
  for (const { _id, peers } of await ledger.engines())
    if (_id !== except && peers.includes(self)) await ledger.removeEnginePeer(_id, self)
}

/** Asked of the launcher once; what this peer said of other engines before is withdrawn then. */
async function engineId({ state, launcher, ledger, self }: Context): Promise<string> {
  if (state.engine !== null) return state.engine
  const found = await launcher.engine()
  await leaveEngines(ledger, self, found)
  state.engine = found
  return found
}

const recordOf = async (ledger: Pick<Ledger, 'engines'>, engine: string): Promise<EngineRecord | undefined> =>
  (await ledger.engines()).find(({ _id }) => _id === engine)
