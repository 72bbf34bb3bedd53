/** Chooses the mesh of a node. What uses libp2p is loaded only where peers can be connected: that takes 0.1 s. */
import type { Libp2pMeshOptions } from '../mesh/libp2p-mesh.ts'
import { createLoneMesh } from '../mesh/lone-mesh.ts'
import type { createStatusExchange } from '../mesh/status-exchange.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { Config } from './config.ts'

/** Whether no peer can be connected to a node: it neither listens nor dials. */
const isAlone = ({ listen, join: peers, mdns }: Pick<Config, 'listen' | 'join' | 'mdns'>): boolean =>
  listen.length + peers.length === 0 && !mdns

/** What a mesh needs beside the configuration. `swarmKey`: the content of its file. */
interface MeshGiven extends Pick<Libp2pMeshOptions, 'gossip' | 'clock' | 'rng' | 'log'> {
  readonly swarmKey: string | undefined
}

/** The mesh of a configuration, not started. Rejects with `UsageError` for a wrong address or key. */
export async function composeMesh(config: Config, { swarmKey, ...given }: MeshGiven): Promise<Mesh> {
  const { data_dir: dataDir, listen, announce, join, mdns } = config
  if (isAlone(config)) return createLoneMesh({ dataDir, rng: given.rng })
  const { createLibp2pMesh } = await import('../mesh/libp2p-mesh.ts')
  return createLibp2pMesh({ dataDir, listen, announce, join, mdns, ...given, ...(swarmKey && { swarmKey }) })
}

/** Answers members that ask for the status of this node; where it is alone nobody can. Call it before `mesh.start`. */
export async function serveStatus(config: Config, options: Parameters<typeof createStatusExchange>[0]): Promise<void> {
  if (isAlone(config)) return
  const exchange = await import('../mesh/status-exchange.ts')
  exchange.createStatusExchange(options)
}

/** The hosts that a node listens on. */
export async function listenHosts({ listen }: Pick<Config, 'listen'>): Promise<string[]> {
  const { hostsOf } = await import('../mesh/addresses.ts')
  return hostsOf(listen)
}
