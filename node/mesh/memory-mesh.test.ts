/** The in-memory mesh passes the mesh's rules, and its faults do what they say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import { meshConformance, watch } from '../../protocol/mesh.conformance.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import { systemClock, systemRng } from '../system-clock.ts'
import { createMemoryHub } from './memory-mesh.ts'

let made = 0
/** Ids that look like libp2p's: base58 has no 0. */
const newId = (): PeerId => asPeerId(`12D3KooW${String(++made).replaceAll('0', 'o').padStart(44, 'm')}`)

meshConformance('in memory', async () => {
  const hub = createMemoryHub({ clock: systemClock, rng: systemRng })
  const meshes: Mesh[] = []
  return {
    clock: systemClock,
    peer: async ({ join = [], as } = {}) => {
      const mesh = hub.join(as?.self ?? newId())
      mesh.learn(null, join)
      meshes.push(mesh)
      return mesh
    },
    close: async () => {
      for (const mesh of meshes) await mesh.stop()
    },
  }
})

describe('faults of the in-memory mesh', () => {
  const start = async (count: number) => {
    const hub = createMemoryHub({ clock: systemClock, rng: systemRng })
    const ids = Array.from({ length: count }, newId)
    const meshes = ids.map((id) => hub.join(id, { knows: ids }))
    const seen = meshes.map((mesh) => watch(mesh, systemClock))
    for (const mesh of meshes) await mesh.start()
    await Promise.all(
      meshes.flatMap((_, at) => ids.filter((id) => id !== ids[at]).map((id) => seen[at]?.connected(id))),
    )
    return {
      hub,
      ids: ids as [PeerId, ...PeerId[]],
      meshes: meshes as [Mesh, ...Mesh[]],
      seen: seen as [ReturnType<typeof watch>, ...ReturnType<typeof watch>[]],
    }
  }

  it('a killed peer is lost at once, as closed', async () => {
    const { hub, ids, seen, meshes } = await start(2)
    hub.kill(ids[1] as PeerId)
    await seen[0].disconnected(ids[1] as PeerId, 100)
    assert.deepEqual(seen[0].seen.at(-1), { what: 'disconnected', peer: ids[1], why: 'closed' })
    await meshes[0].stop()
  })

  it('a frozen peer is lost by silence and found again when it thaws', async () => {
    const { hub, ids, seen, meshes } = await start(2)
    hub.freeze(ids[1] as PeerId)
    await seen[0].disconnected(ids[1] as PeerId, 2_700)
    assert.deepEqual(seen[0].seen.at(-1), { what: 'disconnected', peer: ids[1], why: 'alive' })
    hub.thaw(ids[1] as PeerId)
    await seen[0].connected(ids[1] as PeerId, 1_000)
    for (const mesh of meshes) await mesh.stop()
  })

  it('a partition parts and heals', async () => {
    const { hub, ids, seen, meshes } = await start(3)
    hub.partition([ids[0]])
    await seen[0].until('alone', () => meshes[0].peers().length === 0, 2_700)
    assert.equal(meshes[1]?.peers().length, 1)
    hub.heal()
    await seen[0].until('together', () => meshes[0].peers().length === 2, 1_000)
    for (const mesh of meshes) await mesh.stop()
  })
})
