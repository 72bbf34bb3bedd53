/**
 * How a verb reaches the mesh: the local node's control socket or, where none runs and no source is needed, the configured
 * ledger itself.
 */
import { parseResponse } from 'hono/client'
import type { Config } from '../node/config.ts'
import { type ControlClient, connectControl } from '../node/http/control-client.ts'
import { controlSocketPath } from '../node/http/control-path.ts'
import type { NamedLadders } from '../node/ladders/named-ladders.ts'
import { ReelmeshError } from '../protocol/errors.ts'
import type { Ledger } from '../protocol/ledger.ts'
import { silentLog } from '../protocol/log.ts'

/** The node of the configured data folder; null where none runs. */
export const localNode = (config: Config): Promise<ControlClient | null> =>
  connectControl(controlSocketPath(config.data_dir))

/** The local node. Rejects with an error that says how to start one. */
export async function mustReachNode(config: Config): Promise<ControlClient> {
  const client = await localNode(config)
  if (client) return client
  throw new ReelmeshError(
    'no_node',
    `no node runs on this machine with the data folder ${config.data_dir}; start one with \`reelmesh node\`, or encode without one with \`reelmesh run\``,
  )
}

/** The ladders of a node's configuration, by name. */
export async function nodeLadders(client: ControlClient): Promise<NamedLadders> {
  const all = await parseResponse(client.v1.ladders.$get())
  return Object.fromEntries(all.filter(({ built_in }) => !built_in).map((each) => [each.name, each]))
}

/** Opens the configured ledger, runs `act`, and closes it. Rejects with `UsageError`, `LedgerUnavailable`, and as `act`. */
export async function withLedger<T>(config: Config, act: (ledger: Ledger) => Promise<T>): Promise<T> {
  const { composeLedger } = await import('../node/compose.ts')
  const ledger = composeLedger(config, silentLog)
  try {
    await ledger.open()
    return await act(ledger)
  } finally {
    await ledger.close().catch(() => {})
  }
}
