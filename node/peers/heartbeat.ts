/**
 * Sends heartbeats: every max(1 s, N ÷ 8 s) for N present peers, 50–150 ms after a peer connected, so that it need not wait, and on demand.
 * Receives those of other peers and passes their addresses to the mesh: a peer that is connected to one soon knows all.
 *
 * All peers ignore a node whose boot counter was lost, without its knowledge. They then suspect its earlier process, as they miss its
 * heartbeats; when the node receives such a suspicion, it raises its counter above theirs and sends a heartbeat at once.
 */
import type { Clock, Rng } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import { decodeSuspicion, encodeHeartbeat, type Heartbeat, heartbeatIntervalMs } from '../../protocol/heartbeat.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Log } from '../../protocol/log.ts'
import type { GossipMessage, Mesh } from '../../protocol/mesh.ts'
import { meshSize } from '../../protocol/peer-table.ts'
import type { BootEpoch } from './boot-epoch.ts'
import type { HeardTable } from './peer-table.ts'

export { createPeerTable, type HeardTable } from './peer-table.ts'

/** Share of the interval (0–1) by which a heartbeat may come earlier or later; failure detection allows for it. */
const JITTER = 0.2
const EAGER_MS = { least: 50, spread: 100 }
/** Largest difference of counters to accept: no honest one is off by more starts, and a false one must not raise it to the maximum. */
const EPOCH_LEAP_MAX = 1_000_000

/** A heartbeat without what the loop adds: version, counters and addresses. */
export type HeartbeatBody = Omit<Heartbeat, 'v' | 'epoch' | 'seq' | 'started_at' | 'addresses'>

/** The parts that the loop uses. */
export interface HeartbeatOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly table: HeardTable
  /** The content of a heartbeat now. */
  readonly snapshot: () => HeartbeatBody
  readonly bootEpoch: BootEpoch
}

/** The heartbeats of this node. */
export interface HeartbeatLoop {
  /** Idempotent. */
  start(): void
  /** Idempotent. Nothing is sent afterwards. */
  stop(): Promise<void>
  /** Sends a heartbeat now, such as the last one with state `leaving`. Rejects as `Mesh.publish`. */
  beatNow(): Promise<void>
  /**
   * The heartbeat of this node now, with all attempts, also more than `RUNNING_LISTED_MAX`. Its addresses are those of the last one that was sent:
   * to list them takes longer than all the rest.
   */
  own(): Heartbeat
}

/** Makes a loop that is not started. */
export function createHeartbeat(options: HeartbeatOptions): HeartbeatLoop {
  const { mesh, clock, rng, log, table, bootEpoch } = options
  const startedAt = clock.now()
  let seq = 0
  let unsubscribe: (() => void)[] = []
  let cancelNext = () => {}
  let cancelEager: (() => void) | null = null
  let addresses: readonly string[] = []

  const own = (): Heartbeat => ({
    ...options.snapshot(),
    v: 1,
    epoch: bootEpoch.current(),
    seq,
    started_at: startedAt,
    addresses: [...addresses],
  })
  const beatNow = async () => {
    seq++
    addresses = mesh.addresses()
    await mesh.publish('heartbeat', encodeHeartbeat(own()))
  }
  /** Logs a heartbeat that could not be sent: the next one follows within an interval. */
  const tryToBeat = () =>
    void beatNow().catch((error: unknown) => log.warn('a heartbeat could not be sent', { error: sentence(error) }))
  const loop = () => {
    const intervalMs = heartbeatIntervalMs(meshSize(table, clock.mono()))
    // Without jitter, peers that were started together would send at the same moments, and none in between.
    cancelNext = clock.timer(Math.round(intervalMs * (1 - JITTER + 2 * JITTER * rng.random())), loop)
    tryToBeat()
  }
  /** Several peers that connect together get one heartbeat. */
  const beatSoon = () => {
    // A counter may be raised after the stop.
    if (unsubscribe.length === 0) return
    cancelEager ??= clock.timer(Math.round(EAGER_MS.least + EAGER_MS.spread * rng.random()), () => {
      cancelEager = null
      tryToBeat()
    })
  }

  const onGossip = (message: GossipMessage) => {
    if (message.topic === 'suspect') {
      void isToRefute(message.data, { self: mesh.self, bootEpoch }).then((is) => is && beatSoon())
      return
    }
    if (message.topic !== 'heartbeat') return
    table.accept(message)
  }

  return {
    own,
    beatNow,
    start: () => {
      if (unsubscribe.length > 0) return
      unsubscribe = [
        mesh.listen({ onConnected: beatSoon, onGossip }),
        table.listen(({ peer, beat }) => mesh.learn(peer, beat.addresses)),
      ]
      loop()
    },
    stop: async () => {
      for (const each of unsubscribe) each()
      unsubscribe = []
      cancelNext()
      cancelEager?.()
      cancelEager = null
    },
  }
}

/** Whether this gossip suspects this process, or one that others remember with a higher epoch: then its own is raised above that first. */
async function isToRefute(
  data: Uint8Array,
  { self, bootEpoch }: { readonly self: PeerId; readonly bootEpoch: BootEpoch },
): Promise<boolean> {
  const decoded = decodeSuspicion(data)
  if (decoded.verdict !== 'accept' || decoded.message.peer !== self) return false
  const { epoch } = decoded.message
  const current = bootEpoch.current()
  // A suspicion of an older process may be right.
  if (epoch < current || epoch > current + EPOCH_LEAP_MAX) return false
  if (epoch === current) return true
  return bootEpoch.raise(epoch).then(
    () => true,
    () => false,
  )
}
