/**
 * What a message costs a real node, in CPU: libp2p meshes in this process, the product's adapter with the product's heartbeat decoder
 * behind it. Three differences of one run: with and without gossip, and few against many connections.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLibp2pMesh } from '../../../mesh/libp2p-mesh.ts'
import { systemClock as clock, systemRng as rng } from '../../../node/host/system-clock.ts'
import { createPeerTable } from '../../../node/peers/peer-table.ts'
import { encodeHeartbeat } from '../../../protocol/heartbeat.ts'
import type { Log } from '../../../protocol/log.ts'
import { ANY_PEER } from '../../../testing/any-peer.ts'
import { bodyOf } from './peer.ts'

export interface MessageCost {
  /** CPU ms per node for each heartbeat that anybody in the mesh sends: signature, duplicates, relaying, decoding. */
  readonly gossipMs: number
  /** CPU ms per node and second for each connection: alive bytes both ways, and what yamux and gossipsub do on it. */
  readonly connectionMs: number
  /** CPU ms per node and second without any of it. */
  readonly baseMs: number
}

const [FEW, MANY] = [4, 12] as const
const SETTLE_MS = 4_000
const WATCH_MS = 8_000
const BEATS_PER_SECOND = 100

export async function measureCost(): Promise<MessageCost> {
  const { ms: few } = await idleMs(FEW, null)
  const { ms: many } = await idleMs(MANY, null)
  const busy = await idleMs(MANY, BEATS_PER_SECOND)
  const connectionMs = Math.max(0, (many - few) / (MANY - FEW))
  return {
    gossipMs: (busy.ms - many) / busy.beatsPerSecond,
    connectionMs,
    baseMs: Math.max(0, few - connectionMs * (FEW - 1)),
  }
}

/** CPU ms per node and second of a full mesh of so many, in which all of them together beat so often. */
async function idleMs(nodes: number, wanted: number | null): Promise<{ ms: number; beatsPerSecond: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-cost-'))
  const meshes = []
  for (let at = 0; at < nodes; at++) {
    const join_ = meshes.flatMap((mesh) => mesh.addresses().slice(0, 1))
    const options = {
      dataDir: join(dir, String(at)),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      clock,
      rng,
      log: SILENT,
    }
    const mesh = await createLibp2pMesh({ ...options, join: join_ })
    const table = createPeerTable({ clock, self: mesh.self, members: ANY_PEER, connections: () => [] })
    mesh.listen({ onGossip: (message) => void (message.topic === 'heartbeat' && table.accept(message)) })
    await mesh.start()
    meshes.push(mesh)
  }
  await sleep(SETTLE_MS)
  const before = process.cpuUsage()
  const startedAt = performance.now()
  let seq = 0
  for (; performance.now() - startedAt < WATCH_MS; seq++) {
    if (wanted === null) {
      await sleep(WATCH_MS)
      break
    }
    const addresses = meshes[seq % nodes]!.addresses().slice(0, 1)
    void meshes[seq % nodes]!.publish(
      'heartbeat',
      encodeHeartbeat({ ...bodyOf(seq % nodes), v: 1, epoch: 1, seq, started_at: 1, addresses }),
    )
    await sleep(Math.max(0, startedAt + ((seq + 1) * 1000) / wanted - performance.now()))
  }
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - startedAt) / 1000
  for (const mesh of meshes) await mesh.stop()
  await rm(dir, { recursive: true, force: true })
  return { ms: (user + system) / 1000 / nodes / seconds, beatsPerSecond: seq / seconds }
}

const quiet = () => {}
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => SILENT }
