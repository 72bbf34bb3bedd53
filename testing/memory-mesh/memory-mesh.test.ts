/** The in-memory mesh passes the mesh's rules, and its faults do what they say. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock, systemRng } from '../../node/host/system-clock.ts'
import type { Clock, Rng } from '../../protocol/clock.ts'
import { meshConformance, watch } from '../../protocol/conformance/mesh.ts'
import { asPeerId, type PeerId } from '../../protocol/ids.ts'
import type { Mesh } from '../../protocol/mesh.ts'
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

describe('the in-memory mesh on a virtual clock', () => {
  /** Twelve peers in a line of acquaintances, gossip, a kill, a partition and a freeze; everything that anybody saw. */
  const story = async (seed: number): Promise<string[]> => {
    const { clock, run } = virtualClock()
    const rng = seeded(seed)
    const hub = createMemoryHub({ clock, rng, faults: { latencyMs: () => 1 + 20 * rng.random(), gossipLoss: 0.1 } })
    const ids = Array.from({ length: 12 }, (_, at) => asPeerId(`12D3KooW${'ABCDEFGHJKLM'[at]?.repeat(44)}`))
    const log: string[] = []
    for (const [at, id] of ids.entries()) {
      const mesh = hub.join(id, { knows: ids.slice(Math.max(0, at - 1), at) })
      const note = (what: string, who: PeerId) => log.push(`${clock.mono()} ${at} ${what} ${ids.indexOf(who)}`)
      mesh.listen({
        onConnected: (peer) => note('connected', peer),
        onDisconnected: (peer, why) => note(why, peer),
        onGossip: ({ author }) => {
          note('heard', author)
          mesh.learn(author, [`/memory/${author}`])
        },
      })
      const beat = () => {
        void mesh.publish('heartbeat', new Uint8Array([at]))
        clock.timer(1_000, beat)
      }
      await mesh.start()
      beat()
    }
    const [first, second, third] = ids as [PeerId, PeerId, PeerId]
    clock.timer(10_000, () => hub.kill(third))
    clock.timer(15_000, () => hub.partition([first, second]))
    clock.timer(25_000, () => hub.heal())
    clock.timer(30_000, () => hub.freeze(first))
    await run(60_000)
    return log
  }

  it('gives the same sequence of events for the same seed, and another for another', async () => {
    const [one, again, other] = [await story(1), await story(1), await story(2)]
    assert.deepEqual(again, one)
    assert.notDeepEqual(other, one)
    assert.ok(
      one.length > 5_000 && one.some((line) => line.includes('alive')) && one.some((line) => line.includes('closed')),
    )
  })
})

function virtualClock(): { clock: Clock; run(untilMs: number): Promise<void> } {
  let now = 0
  let made = 0
  const timers = new Map<number, { readonly at: number; readonly act: () => void }>()
  const timer = (ms: number, act: () => void) => {
    const key = made++
    timers.set(key, { at: now + Math.ceil(ms), act })
    return () => void timers.delete(key)
  }
  const clock: Clock = {
    now: () => now,
    mono: () => now,
    timer,
    sleep: (ms) => new Promise((resolve) => timer(ms, resolve)),
  }
  const run = async (untilMs: number) => {
    for (;;) {
      let first: [number, { readonly at: number; readonly act: () => void }] | null = null
      for (const each of timers) if (first === null || each[1].at < first[1].at) first = each
      if (first === null || first[1].at > untilMs) return
      timers.delete(first[0])
      now = first[1].at
      first[1].act()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, run }
}

/** mulberry32. */
function seeded(seed: number): Rng {
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    random,
    token: () =>
      Math.floor(random() * 2 ** 52)
        .toString(16)
        .padStart(32, '0'),
  }
}
