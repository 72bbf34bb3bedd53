/**
 * The hints of this node over the mesh's topic `work`: its own are gossiped, those of others are passed to its listeners. A peer that is heard for the first
 * time is a hint as well: what it has published before was not heard, and it may hold what open tasks need.
 */
import { decodeHint, encodeHint } from '../protocol/hint.ts'
import { createHints, type Hints } from '../protocol/hints.ts'
import type { GossipMessage, Mesh } from '../protocol/mesh.ts'
import type { HeardTable } from './peers/peer-table.ts'

/** The hints of this node, with start and stop. */
export interface MeshHints extends Hints {
  /** Receives hints of other peers from now on. Idempotent. */
  start(): void
  /** Idempotent. What this node publishes still reaches its own listeners. */
  stop(): void
}

/** Makes the hints, not connected to the mesh before `start`. */
export function createMeshHints(mesh: Pick<Mesh, 'publish' | 'listen'>, peers: Pick<HeardTable, 'listen'>): MeshHints {
  const channel = createHints((hint) => void mesh.publish('work', encodeHint(hint)).catch(() => {}))
  let unsubscribe: (() => void)[] = []
  return {
    publish: channel.publish,
    on: channel.on,
    start() {
      if (unsubscribe.length > 0) return
      const onGossip = ({ topic, data }: Pick<GossipMessage, 'topic' | 'data'>) => {
        const decoded = topic === 'work' ? decodeHint(data) : null
        if (decoded?.verdict === 'accept') channel.receive(decoded.message)
      }
      unsubscribe = [
        mesh.listen({ onGossip }),
        peers.listen((_, before) => before === undefined && channel.receive({ v: 1, what: 'tasks', video: null })),
      ]
    },
    stop() {
      for (const each of unsubscribe) each()
      unsubscribe = []
    },
  }
}
