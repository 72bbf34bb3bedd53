/** The hints of this node over the mesh's topic `work`: its own are gossiped, those of others are passed to its listeners. */
import { decodeHint, encodeHint } from '../protocol/hint.ts'
import { createHints, type Hints } from '../protocol/hints.ts'
import type { Mesh } from '../protocol/mesh.ts'

/** The hints of this node, with start and stop. */
export interface MeshHints extends Hints {
  /** Receives hints of other peers from now on. Idempotent. */
  start(): void
  /** Idempotent. What this node publishes still reaches its own listeners. */
  stop(): void
}

/** Makes the hints, not connected to the mesh before `start`. */
export function createMeshHints(mesh: Pick<Mesh, 'publish' | 'listen'>): MeshHints {
  const channel = createHints((hint) => void mesh.publish('work', encodeHint(hint)).catch(() => {}))
  let unsubscribe: (() => void) | null = null
  return {
    publish: channel.publish,
    on: channel.on,
    start() {
      unsubscribe ??= mesh.listen({
        onGossip({ topic, data }) {
          const decoded = topic === 'work' ? decodeHint(data) : null
          if (decoded?.verdict === 'accept') channel.receive(decoded.message)
        },
      })
    },
    stop() {
      unsubscribe?.()
      unsubscribe = null
    },
  }
}
