/** The libp2p mesh passes the mesh's rules, open and with a swarm key. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRng } from '../node/host/system-clock.ts'
import { type MeshWorld, meshConformance } from '../protocol/conformance/mesh.ts'
import { silentLog } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { createLibp2pMesh } from './libp2p-mesh.ts'
import { generateSwarmKey } from './make-swarm-key.ts'

async function makeWorld(swarmKey?: string): Promise<MeshWorld> {
  const root = await mkdtemp(join(tmpdir(), 'reelmesh-mesh-'))
  const made = new Map<Mesh, { dataDir: string; listen: string }>()
  return {
    clock: systemClock,
    peer: async ({ join: known = [], as } = {}) => {
      const former = as && made.get(as)
      const dataDir = former?.dataDir ?? (await mkdtemp(join(root, 'peer-')))
      const mesh = await createLibp2pMesh({
        dataDir,
        listen: [former?.listen ?? '/ip4/127.0.0.1/tcp/0'],
        join: known,
        ...(swarmKey !== undefined && { swarmKey }),
        mdns: false,
        clock: systemClock,
        rng: systemRng,
        log: silentLog,
      })
      const start = mesh.start.bind(mesh)
      mesh.start = async () => {
        await start()
        made.set(mesh, { dataDir, listen: mesh.addresses()[0]?.split('/p2p/')[0] ?? '' })
      }
      made.set(mesh, { dataDir, listen: '' })
      return mesh
    },
    close: async () => {
      await Promise.all([...made.keys()].map((mesh) => mesh.stop()))
      await rm(root, { recursive: true })
    },
  }
}

meshConformance('libp2p', () => makeWorld())
meshConformance('libp2p with a swarm key', () => makeWorld(generateSwarmKey()))
