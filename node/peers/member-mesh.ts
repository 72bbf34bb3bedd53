/**
 * The mesh as the parts of a node see it: with members only. Others that hold the mesh key may connect and gossip, but are not among the
 * peers, are not missed when they go, get no streams but the status (which checks its asker itself), and their gossip is dropped, except
 * heartbeats: the peer table holds those apart, as their author may be a new member.
 */
import { PeerUnreachable } from '../../protocol/errors.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Mesh } from '../../protocol/mesh.ts'
import type { Membership } from './membership.ts'

/** A mesh with members only, which also names those that are connected and may be none. */
export interface MemberMesh extends Mesh {
  /** Connected peers now, members or not. */
  connections(): readonly PeerId[]
}

/** The mesh without those that are no members. */
export function membersOnly(mesh: Mesh, members: Pick<Membership, 'has' | 'look' | 'admits'>): MemberMesh {
  return {
    self: mesh.self,
    start: () => mesh.start(),
    stop: () => mesh.stop(),
    addresses: () => mesh.addresses(),
    connections: () => mesh.peers(),
    peers: () => mesh.peers().filter(members.has),
    listen: (events) =>
      mesh.listen({
        onConnected(peer) {
          if (!members.has(peer)) members.look()
          // It hears this peer's heartbeat soon, member or not: it may be a new one.
          events.onConnected?.(peer)
        },
        onDisconnected: (peer, why) => members.has(peer) && events.onDisconnected?.(peer, why),
        onGossip: (message) =>
          (message.topic === 'heartbeat' || members.has(message.author)) && events.onGossip?.(message),
      }),
    // Nobody would get it: a node alone signs no messages.
    publish: async (topic, data) => {
      if (mesh.peers().length > 0) await mesh.publish(topic, data)
    },
    handle: (protocol, handler) =>
      mesh.handle(protocol, async (stream) => {
        if (protocol !== 'status' && !(await members.admits(stream.peer)))
          throw new PeerUnreachable(`peer ${stream.peer} is no member of this mesh`)
        await handler(stream)
      }),
    open: (peer, protocol, signal) => mesh.open(peer, protocol, signal),
    learn: (peer, addresses) => mesh.learn(peer, addresses),
  }
}
