/**
 * The mesh of a node that neither listens nor dials, such as that of a `reelmesh run` without worker processes: it has this peer alone, and needs no
 * libp2p.
 */
import type { Rng } from '../protocol/clock.ts'
import { PeerUnreachable } from '../protocol/errors.ts'
import { asPeerId, type PeerId } from '../protocol/ids.ts'
import { checkGossip, type Mesh } from '../protocol/mesh.ts'
import { storedPeerId } from './stored-identity.ts'

/** The mesh of this peer, whose identity is that of the data folder, made where there is none. Rejects with `UsageError` for an unusable one. */
export async function createLoneMesh(options: { readonly dataDir: string; readonly rng: Rng }): Promise<Mesh> {
  const self = (await storedPeerId(options.dataDir)) ?? (await loadedPeerId(options))
  return {
    self,
    start: async () => {},
    stop: async () => {},
    addresses: () => [],
    peers: () => [],
    listen: () => () => {},
    publish: async (_topic, data) => checkGossip(data),
    handle: () => {},
    open: async (peer, _protocol, signal) => {
      signal.throwIfAborted()
      throw new PeerUnreachable(`peer ${peer} cannot be reached: this node is alone`)
    },
    learn: () => {},
  }
}

async function loadedPeerId({ dataDir, rng }: { readonly dataDir: string; readonly rng: Rng }): Promise<PeerId> {
  const [{ loadIdentity }, { peerIdFromPrivateKey }] = await Promise.all([
    import('./identity.ts'),
    import('@libp2p/peer-id'),
  ])
  return asPeerId(peerIdFromPrivateKey(await loadIdentity(dataDir, rng)).toString())
}
