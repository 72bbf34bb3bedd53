/** A mesh whose gossip arrives twice, and whose events reach only a process that is running. A wrapper, like all faults. */
import type { Mesh } from '../../protocol/mesh.ts'
import type { Life } from '../../testing/simulation/life.ts'
import type { Seeded } from '../../testing/simulation/seeded.ts'
import type { Scheduler } from '../../testing/simulation/virtual-time.ts'

export interface GossipNoise {
  /** Share of messages sent a second time, up to 3 s later. */
  twice: number
}

interface NoiseOptions {
  readonly life: Life
  readonly rng: Seeded
  readonly noise: GossipNoise
  readonly scheduler: Scheduler
}

export function noisyMesh(mesh: Mesh, options: NoiseOptions): Mesh {
  const { life, rng, noise, scheduler } = options
  return {
    self: mesh.self,
    start: () => mesh.start(),
    stop: () => mesh.stop(),
    addresses: () => mesh.addresses(),
    peers: () => mesh.peers(),
    listen: (events) =>
      mesh.listen({
        onConnected: (peer) => life.wake(() => events.onConnected?.(peer)),
        onDisconnected: (peer, why) => life.wake(() => events.onDisconnected?.(peer, why)),
        onGossip: (message) => life.wake(() => events.onGossip?.(message)),
      }),
    async publish(topic, data) {
      if (rng.chance(noise.twice)) scheduler.after(rng.whole(1, 3_000), () => void mesh.publish(topic, data))
      await mesh.publish(topic, data)
    },
    handle: (protocol, handler) => mesh.handle(protocol, handler),
    open: (peer, protocol, signal) => mesh.open(peer, protocol, signal),
    learn: (peer, addresses) => mesh.learn(peer, addresses),
  }
}
