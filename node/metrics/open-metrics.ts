/** Counts what a node does where it serves HTTP; elsewhere nothing is loaded, and nothing stands between the node and its ledger. */
import type { Clock } from '../../protocol/clock.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { VERSION } from '../version.ts'
import type { NodeMetrics } from './node-metrics.ts'

/** The metrics where they are wanted, else null, and the adapters with the ledger that they watch. */
export async function openMetrics<A extends { readonly ledger: Ledger; readonly clock: Clock }>(
  isWanted: boolean,
  adapters: A,
): Promise<{ readonly metrics: NodeMetrics | null; readonly adapters: A }> {
  if (!isWanted) return { metrics: null, adapters }
  const { createNodeMetrics } = await import('./node-metrics.ts')
  const metrics = createNodeMetrics(adapters.ledger, { clock: adapters.clock, version: VERSION })
  return { metrics, adapters: { ...adapters, ledger: metrics.ledger } }
}
