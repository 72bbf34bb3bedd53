/** The ledger at a MongoDB address, read by a test or a bench itself. Whoever opens it closes it. */
import { createMongoLedger } from '../../ledger/mongo/mongo-ledger.ts'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { silentLog } from '../../protocol/log.ts'

/** @param timing how long a call is retried, ms; default, that of a node */
export async function openLedger(url: string, timing: { readonly retryMs?: number } = {}): Promise<Ledger> {
  const ledger = createMongoLedger({ url, clock: systemClock, rng: systemRng, log: silentLog, ...timing })
  await ledger.open()
  return ledger
}
