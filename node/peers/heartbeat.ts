/**
 * Tells the mesh about this node: every max(1 s, N ÷ 8 s) for N peers heard lately, at once (50–150 ms) after a peer connected, so that it need
 * not wait, and when asked. Takes in what others tell, and teaches the mesh their addresses: so a peer that knows one soon
 * knows all.
 *
 * A node whose boot counter was lost is ignored by everybody, and does not know. Those who miss its heartbeats suspect the life
 * they remember; hearing that about itself, it raises its counter above theirs and beats at once.
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

/** Share of the interval that a beat may come sooner or later; what judges by silence leaves room for it. */
const JITTER = 0.2
const EAGER_MS = { least: 50, spread: 100 }
/** No honest counter is off by more starts than this; a lie must not push it to where it cannot rise. */
const EPOCH_LEAP_MAX = 1_000_000

export type HeartbeatBody = Omit<Heartbeat, 'v' | 'epoch' | 'seq' | 'started_at' | 'addresses'>

export interface HeartbeatOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly table: HeardTable
  /** What this node would say of itself now. */
  readonly snapshot: () => HeartbeatBody
  readonly bootEpoch: BootEpoch
}

export interface HeartbeatLoop {
  /** Idempotent. */
  start(): void
  /** Idempotent. Nothing is sent afterwards. */
  stop(): Promise<void>
  /** Sends one now, such as the last one that says leave. */
  beatNow(): Promise<void>
  /** What this node says of itself now, with more attempts than a heartbeat has room for. */
  own(): Heartbeat
}

export function createHeartbeat(options: HeartbeatOptions): HeartbeatLoop {
  const { mesh, clock, rng, log, table, bootEpoch } = options
  const startedAt = clock.now()
  let seq = 0
  let stopListening: (() => void) | null = null
  let cancelNext = () => {}
  let cancelEager: (() => void) | null = null

  const own = (): Heartbeat => ({
    ...options.snapshot(),
    v: 1,
    epoch: bootEpoch.current(),
    seq,
    started_at: startedAt,
    addresses: [...mesh.addresses()],
  })
  const beatNow = async () => {
    seq++
    await mesh.publish('heartbeat', encodeHeartbeat(own()))
  }
  /** One that could not be sent is told: the next comes within an interval. */
  const tryToBeat = () =>
    void beatNow().catch((error: unknown) => log.warn('a heartbeat was not sent', { error: sentence(error) }))
  const loop = () => {
    const intervalMs = heartbeatIntervalMs(meshSize(table, clock.mono()))
    // A mesh that was started at once would beat in step for ever, and be silent in between.
    cancelNext = clock.timer(Math.round(intervalMs * (1 - JITTER + 2 * JITTER * rng.random())), loop)
    tryToBeat()
  }
  /** Several peers that connect together are greeted with one heartbeat. */
  const beatSoon = () => {
    // A counter may be raised after the stop.
    if (stopListening === null) return
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
    const decoded = table.accept(message)
    if (decoded.verdict === 'accept') mesh.learn(message.author, decoded.message.addresses)
  }

  return {
    own,
    beatNow,
    start: () => {
      if (stopListening) return
      stopListening = mesh.listen({ onConnected: beatSoon, onGossip })
      loop()
    },
    stop: async () => {
      stopListening?.()
      stopListening = null
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
  // About an older process it may well be right.
  if (epoch < current || epoch > current + EPOCH_LEAP_MAX) return false
  if (epoch === current) return true
  return bootEpoch.raise(epoch).then(
    () => true,
    () => false,
  )
}
