/** The ledger at a MongoDB address, read by a test or a bench itself. Whoever opens it closes it. */
import { createMongoLedger } from '../../ledger/mongo/mongo-ledger.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'

/** @param patience how long a question is asked again, ms, where that is not a node's own time */
export async function openLedger(url: string, patience: { readonly retryMs?: number } = {}): Promise<Ledger> {
  const ledger = createMongoLedger({ url, clock: systemClock, rng: systemRng, log: silentLog, ...patience })
  await ledger.open()
  return ledger
}
