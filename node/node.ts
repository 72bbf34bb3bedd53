/**
 * One peer: what every node is and does, from parts that `compose.ts` chose. Starts and stops them in the one right order.
 *
 * Promises: `start` gives back the claims of an earlier life before it claims anew; `stop` stops claiming, settles or releases
 * what runs, gives the lease back, says leave, and leaves nothing running. Both are idempotent.
 */
import { availableParallelism, loadavg } from 'node:os'
import type { Coordinator } from '../coordinator/coordinator.ts'
import { createBell } from '../protocol/bell.ts'
import type { BlobExchange, BlobStore } from '../protocol/blobs.ts'
import type { Capability } from '../protocol/capability.ts'
import { type Clock, type Rng, within } from '../protocol/clock.ts'
import type { Emit } from '../protocol/emitter.ts'
import { sentence } from '../protocol/errors.ts'
import type { Heartbeat } from '../protocol/heartbeat.ts'
import type { PeerId, TaskKind, VideoId } from '../protocol/ids.ts'
import type { Changed, Ledger, PeerRecord } from '../protocol/ledger.ts'
import { IDLE_POLL_MS, INPUT_LOOK_MS, SWEEP_MS } from '../protocol/limits.ts'
import type { Log } from '../protocol/log.ts'
import type { Mesh } from '../protocol/mesh.ts'
import type { PeerTable } from '../protocol/peer-table.ts'
import type { Runner } from '../protocol/runner.ts'
import { createAdmissionGate } from './admission.ts'
import type { MeshHints } from './hints.ts'
import type { StatusSnapshot } from './status/status.ts'
import type { VideoRow } from './status/video-rows.ts'
import { createCopier } from './videos/copier.ts'
import type { Deliverer } from './videos/delivery.ts'
import { keepHouse } from './videos/housekeeping.ts'
import type { InputFolder } from './videos/input-folder.ts'
import type { SubmitRequest, Submitted } from './videos/submit.ts'
import type { Young } from './videos/young.ts'
import { createAttempts } from './worker/attempts.ts'
import { createCircuitBreakers } from './worker/circuit-breaker.ts'
import { createDeskOrder } from './worker/desk-order.ts'
import { keepLog } from './worker/keep-log.ts'
import { createSettlement } from './worker/settlement.ts'
import { createWorker } from './worker/worker.ts'

/** What every face (API, CLI, dashboard) may ask of a node. */
export interface NodeFace {
  readonly self: PeerId
  readonly ledger: Ledger
  snapshot(): Promise<StatusSnapshot>
  /** One video, whether the snapshot shows it or not; null where there is none. */
  row(video: VideoId): Promise<VideoRow | null>
  submit(request: SubmitRequest): Promise<Submitted>
  act(what: 'cancel' | 'retry' | { priority: number }, video: VideoId): Promise<Changed>
  /** Pauses, resumes or drains a peer: it reads its record at the hint that follows. */
  setPeer(peer: PeerId, change: Partial<Pick<PeerRecord, 'paused' | 'draining' | 'reason'>>): Promise<void>
}

export interface HeartbeatSender {
  start(): void
  stop(): Promise<void>
  /** Sends one now, such as the last one that says leave. */
  beatNow(): Promise<void>
}

export interface NodeParts {
  readonly self: PeerId
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Log
  readonly emit: Emit
  readonly ledger: Ledger
  readonly mesh: Mesh
  readonly hints: MeshHints
  readonly store: BlobStore
  readonly exchange: BlobExchange
  readonly table: PeerTable
  readonly capability: Capability
  readonly slots: number
  readonly runners: Readonly<Partial<Record<TaskKind, Runner>>>
  /** A trial run of its ffmpeg: asked for after a failure. */
  trial(signal: AbortSignal): Promise<void>
  readonly coordinator: Coordinator | null
  readonly deliverer: Deliverer
  readonly inputFolder?: InputFolder | null
  /** Whether this process keeps the store tidy: one of those that share it. */
  readonly keepsHouse: boolean
  readonly young: Pick<Young, 'has'>
  readonly drainMs: number
  /** Told once when this peer was drained: it should stop. */
  drained?(): void
  readonly identity: Pick<Heartbeat, 'version' | 'host' | 'name' | 'roles' | 'ffmpeg'>
  submit(request: SubmitRequest): Promise<Submitted>
}

export interface ReelNode extends Omit<NodeFace, 'snapshot' | 'row'> {
  start(): Promise<void>
  stop(): Promise<void>
  /** The heartbeat this node would send now. */
  body(): Omit<Heartbeat, 'v' | 'epoch' | 'seq' | 'started_at' | 'addresses'>
  attach(heartbeat: HeartbeatSender): void
  /** Why this peer does not lead now, or null. */
  mayLead(): Promise<string | null>
}

const LAST_HOUSEKEEPING_MS = 3_000
/** How long a stop waits for what needs the ledger. */
const LEDGER_STOP_MS = 6_000

export function createNode(parts: NodeParts): ReelNode {
  const { self, clock, rng, log, emit, ledger, mesh, hints, store, table, coordinator } = parts
  const { name } = parts.identity
  const stopping = new AbortController()
  const bell = createBell(clock)
  const loops: Promise<void>[] = []
  let heartbeat: HeartbeatSender | null = null
  let subscriptions: (() => void)[] = []

  const copier = createCopier({ self, ledger, store, exchange: parts.exchange, log, hints })

  const breakers = createCircuitBreakers({ self, name }, { clock, rng, emit, selfTest: parts.trial })
  const settle = createSettlement(
    { self },
    { ledger, clock, rng, log, emit, hints, keepLog: (task, text) => keepLog(store, task, text) },
  )
  const attempts = createAttempts({ self }, { ledger, clock, log, hints, runners: parts.runners, settle })
  const admission = createAdmissionGate(
    { self, name },
    { ledger, store, clock, hints, peers: table, attempts, breakers, emit },
  )
  void admission.drained.then(() => parts.drained?.())
  const mayTakeDesk = createDeskOrder({ ledger, store, leads: () => coordinator?.term() != null })
  const worker = createWorker(
    { self, capability: parts.capability, slots: parts.slots },
    {
      ledger,
      clock,
      rng,
      log,
      hints,
      peers: table,
      runners: parts.runners,
      attempts,
      breakers,
      admission,
      mayTakeDesk,
    },
  )

  async function every(name: string, ms: number, act: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = stopping
    while (!signal.aborted) {
      await act(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('a round failed and is tried again', { round: name, error: sentence(error) })
      })
      await bell.wait(ms, signal).catch(() => {})
    }
  }

  async function endWork(): Promise<void> {
    await worker.stop(parts.drainMs)
    await Promise.all([...loops, copier.idle()])
    if (parts.keepsHouse) await lastHousekeeping()
    await coordinator?.stop()
  }

  /** What a video delivered a moment ago leaves behind is gone before the process is; a ledger that is away is not waited for. */
  async function lastHousekeeping(): Promise<void> {
    await within(clock, LAST_HOUSEKEEPING_MS, keepHouse({ self, ledger, store, clock, young: parts.young })).catch(
      () => {},
    )
  }

  /** Who is put back to work is trusted anew: what was before the end of its quarantine counts no more. */
  async function endOfQuarantine(peer: PeerId): Promise<Partial<PeerRecord>> {
    const [{ quarantined_until }, now] = [await ledger.peer(peer), await ledger.now()]
    return quarantined_until !== null && quarantined_until > now ? { quarantined_until: now, quarantines: 0 } : {}
  }

  async function releaseEarlierLife(): Promise<void> {
    const mine = await ledger.claimsOf(self)
    if (mine.length === 0) return
    await ledger.releaseSeen(mine)
    log.info('gave back the claims of an earlier life', { claims: mine.length })
    hints.publish({ what: 'tasks', video: null })
  }

  return {
    self,
    ledger,
    submit: parts.submit,
    mayLead: () => admission.mayLead(),
    async setPeer(peer, change) {
      await ledger.setPeer(peer, change.paused === false ? { ...change, ...(await endOfQuarantine(peer)) } : change)
      hints.publish({ what: 'peers', video: null })
    },
    attach(sender) {
      heartbeat = sender
    },
    body: () => ({
      ...parts.identity,
      roles: [...parts.identity.roles],
      decoders: [...parts.capability.decoders],
      filters: [...parts.capability.filters],
      encoders: [...parts.capability.encoders],
      resolutions: [...parts.capability.resolutions],
      slots: parts.slots,
      busy: attempts.busySlots(),
      load: clockLoad(),
      state: admission.state(),
      running: [...attempts.running()],
    }),
    async act(what, video) {
      const result =
        what === 'cancel'
          ? await ledger.cancel(video)
          : what === 'retry'
            ? await ledger.retry(video)
            : await ledger.setPriority(video, what.priority)
      if (result === 'changed') hints.publish({ what: 'video', video })
      return result
    },
    async start() {
      if (subscriptions.length > 0) return
      hints.start()
      admission.start()
      copier.start(stopping.signal)
      subscriptions = [
        hints.on(['video'], bell.ring),
        mesh.listen({ onDisconnected: (peer, why) => coordinator?.peerLost(peer, why) }),
      ]
      await mesh.start()
      await releaseEarlierLife()
      // A drain ended the life it was meant for.
      if ((await ledger.peer(self)).draining) await ledger.setPeer(self, { draining: false, reason: null })
      heartbeat?.start()
      coordinator?.start()
      worker.start()
      loops.push(every('delivery', IDLE_POLL_MS, (signal) => parts.deliverer.round(signal)))
      const { inputFolder } = parts
      if (inputFolder) loops.push(every('input folder', INPUT_LOOK_MS, (signal) => inputFolder.round(signal)))
      if (parts.keepsHouse)
        loops.push(every('housekeeping', SWEEP_MS, () => keepHouse({ self, ledger, store, clock, young: parts.young })))
    },
    async stop() {
      if (stopping.signal.aborted) return
      admission.close()
      stopping.abort(new DOMException('the node stops', 'AbortError'))
      // A ledger that is away must not hold up a stop: claims and the lease then run out by themselves.
      await within(clock, parts.drainMs + LEDGER_STOP_MS, endWork()).catch(() => {})
      await heartbeat?.beatNow().catch(() => {})
      await heartbeat?.stop()
      for (const unsubscribe of subscriptions) unsubscribe()
      hints.stop()
      await mesh.stop()
      await ledger.close()
    },
  }
}

/** One-minute load ÷ cores. */
const clockLoad = (): number => Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100
