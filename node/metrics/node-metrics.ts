/**
 * The metrics of a node in OpenMetrics form, by prom-client. Counted are the node's own calls to the ledger (`watched-calls.ts`); what is to be had of
 * its status is read when it is asked for. Labels have few values: kinds, codes and renditions, never ids of videos or peers. Loaded only where
 * the node serves HTTP.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { BlobStore, BlobTraffic } from '../../protocol/blobs.ts'
import { type Clock, within } from '../../protocol/clock.ts'
import type { PeerId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { PRESENT_MS } from '../../protocol/limits.ts'
import type { PeerTable } from '../../protocol/peer-table.ts'
import type { PeerStatus } from '../../protocol/status.ts'
import { OPEN_STATUSES } from '../../protocol/video.ts'
import type { Status } from '../status/status.ts'
import { type BegunAttempt, watchCalls } from './watched-calls.ts'

/** What is read when metrics are asked for. */
export interface MetricSources {
  readonly status: Pick<Status, 'peers' | 'openVideos'>
  readonly ledger: Pick<Ledger, 'lease' | 'countVideos' | 'undeliveredVideos'>
  readonly store: Pick<BlobStore, 'room'>
  readonly table: PeerTable
  readonly traffic: Readonly<BlobTraffic>
  /** The peers that this one is connected to. */
  connected(): readonly PeerId[]
}

/** The metrics of a node. */
export interface NodeMetrics {
  /** The ledger whose calls are counted: the node has to use this one. */
  readonly ledger: Ledger
  /** The text and its media type. */
  read(): Promise<{ readonly text: string; readonly type: string }>
  /** Reads these from now on; before, only what is counted. */
  readFrom(sources: MetricSources): void
}

/** How long a reading serves the gauges, ms: one scrape. */
const SHARED_MS = 500
/** How long a gauge waits for the ledger, ms: whoever asks waits 10 s by default, and all else is to be had. */
const ANSWER_MS = 3_000
/** Renditions that have labels of their own: a ladder has some ten. */
const RENDITIONS_MAX = 64
const CALL_S = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
const ATTEMPT_S = [0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000]
const HEAL_S = [0.05, 0.1, 0.3, 1, 2, 3, 5, 10, 30, 60]

/** The metrics of this node, and the ledger that they watch. */
export function createNodeMetrics(
  ledger: Ledger,
  options: { readonly clock: Clock; readonly version: string },
): NodeMetrics {
  const { clock } = options
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const registers = [registry]
  collectDefaultMetrics({ register: registry as never })
  let sources: MetricSources | null = null
  const counts = createCounts(registers as never, clock, () => sources)
  createTraffic(registers as never, () => sources)
  createGauges(registers as never, () => sources, options)
  return {
    ledger: watchCalls(ledger, { clock, ...counts }),
    readFrom(given) {
      const { status } = given
      sources = {
        ...given,
        status: { peers: shared(status.peers, clock), openVideos: shared(status.openVideos, clock) },
      }
    },
    read: async () => ({ text: await registry.metrics(), type: registry.contentType }),
  }
}

/** The same reading for all gauges of one answer. */
function shared<T>(read: () => Promise<T>, clock: Pick<Clock, 'mono'>): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | null = null
  return () => {
    if (last === null || clock.mono() - last.at > SHARED_MS) last = { at: clock.mono(), answer: read() }
    return last.answer
  }
}

type Registers = [Registry]

function createCounts(
  registers: Registers,
  clock: Clock,
  sources: () => MetricSources | null,
): Omit<Parameters<typeof watchCalls>[1], 'clock'> {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `reelmesh_${name}_total`, help, labelNames, registers })
  const seconds = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) =>
    new Histogram({ name: `reelmesh_${name}_seconds`, help, buckets, labelNames, registers })
  const claims = counter('claims', 'Attempts that this node began', ['kind'])
  const attempts = counter('attempts', 'Attempts of this node that ended, by end and code of a failure', [
    'kind',
    'end',
    'cause',
  ])
  const took = seconds('attempt_duration', 'How long completed attempts of this node took', ATTEMPT_S, [
    'kind',
    'rendition',
  ])
  const backups = counter('backups', 'Backup attempts of this node, by whether they were first', ['end'])
  const frames = counter('encoded_frames', 'Frames that this node encoded, in results that were taken', ['rendition'])
  const sourceTime = counter(
    'encoded_source_seconds',
    'Seconds of sources that this node encoded, in results that were taken',
    ['rendition'],
  )
  const reclaims = counter('reclaims', 'Claims of other peers, failed or overdue, that this node ended as the leader')
  const detection = seconds(
    'detection',
    'Time from the last heartbeat of a failed peer until this node reclaimed its tasks',
    HEAL_S,
  )
  const failover = seconds('failover', 'Time from the last renewal of another leader until this node led', HEAL_S)
  const calls = seconds('ledger_call_duration', 'How long calls to the ledger took', CALL_S, ['method'])
  const failed = counter('ledger_call_failures', 'Calls to the ledger that failed', ['method'])
  const events = counter('events', 'Events that this node emitted', ['what'])
  const webhooks = counter('webhook_deliveries', 'Attempts at webhook deliveries that ended, by what came of them', [
    'result',
  ])
  const renditionOf = boundedLabels()
  return {
    called(method, ms, isAnswered) {
      calls.observe({ method }, ms / 1000)
      if (!isAnswered) failed.inc({ method })
    },
    claimed: ({ task }) => claims.inc({ kind: task.kind }),
    ended(attempt, end, cause) {
      const { task, isBackup, at } = attempt
      attempts.inc({ kind: task.kind, end, cause })
      if (isBackup && end !== 'released') backups.inc({ end: end === 'completed' ? 'won' : 'lost' })
      if (end !== 'completed') return
      const rendition = renditionOf(task.resolution)
      took.observe({ kind: task.kind, rendition }, (clock.mono() - at) / 1000)
      if (task.kind !== 'video') return
      frames.inc({ rendition }, task.frames)
      sourceTime.inc({ rendition }, secondsOf(attempt))
    },
    reclaimed(worker, count) {
      reclaims.inc(count)
      const silentMs = silenceOf(worker, sources(), clock)
      if (silentMs !== null) detection.observe(silentMs / 1000)
    },
    leads: (ms) => {
      if (ms !== null) failover.observe(ms / 1000)
    },
    emitted: (what) => events.inc({ what }),
    sentWebhook: (state) => webhooks.inc({ result: state === 'waiting' ? 'retried' : state }),
  }
}

/** Time since the last heartbeat of a peer that has failed, ms. Null of one that is there, which was only slow or wrong, or was never heard. */
function silenceOf(peer: PeerId, from: MetricSources | null, clock: Pick<Clock, 'mono'>): number | null {
  const heard = from?.table.get(peer)
  return !heard || from?.connected().includes(peer) ? null : clock.mono() - heard.heard_mono
}

function secondsOf({ task: { start_pts, end_pts, time_base } }: BegunAttempt): number {
  const [numerator = 0, denominator = 1] = time_base.split('/').map(Number)
  return Math.max(0, ((end_pts - start_pts) * numerator) / denominator)
}

/** Counted elsewhere, and read when it is asked for. */
function createTraffic(registers: Registers, sources: () => MetricSources | null): void {
  const counter = (name: string, help: string) =>
    new Counter({
      name: `reelmesh_${name}_total`,
      help,
      labelNames: ['direction'],
      registers,
      collect() {
        const { sent, received } = sources()?.traffic ?? { sent: 0, received: 0 }
        this.reset()
        this.inc({ direction: 'sent' }, sent)
        this.inc({ direction: 'received' }, received)
      },
    })
  counter('blob_bytes', 'Bytes of blobs that this node sent to peers and received from them')
}

/** Labels for words of people: the first ones as they are, all others as `other`. */
function boundedLabels(): (word: string) => string {
  const known = new Set<string>()
  return (word) => {
    if (known.size < RENDITIONS_MAX) known.add(word)
    return known.has(word) ? word : 'other'
  }
}

type Read = (gauge: Pick<Gauge, 'set' | 'inc'>, from: MetricSources) => Promise<void> | void

/** Makes gauges that are read when they are asked for. */
function gaugeMaker(
  registers: Registers,
  sources: () => MetricSources | null,
  clock: Clock,
): (name: string, help: string, labelNames: readonly string[], read: Read) => Gauge {
  return (name, help, labelNames, read) =>
    new Gauge({
      name: `reelmesh_${name}`,
      help,
      labelNames: [...labelNames],
      registers,
      async collect() {
        const from = sources()
        this.reset()
        // Without labels it would be 0.
        if (labelNames.length === 0) this.remove()
        let isLate = false
        const inTime: Pick<Gauge, 'set' | 'inc'> = {
          set: (...given: unknown[]) => void (isLate || Reflect.apply(this.set, this, given)),
          inc: (...given: unknown[]) => void (isLate || Reflect.apply(this.inc, this, given)),
        }
        // What cannot be read now is absent.
        const reading = from && Promise.resolve(read(inTime, from)).catch(() => {})
        isLate = reading !== null && (await within(clock, ANSWER_MS, reading)) === 'late'
      },
    })
}

function createGauges(
  registers: Registers,
  sources: () => MetricSources | null,
  { clock, version }: { readonly clock: Clock; readonly version: string },
): void {
  const gauge = gaugeMaker(registers, sources, clock)
  gauge('build', 'The version of this node', ['version'], (each) => each.set({ version }, 1))
  gauge('peers', 'Peers of the mesh by state; lost: silent without having left', ['state'], async (each, from) => {
    each.set({ state: 'lost' }, 0)
    for (const peer of await from.status.peers()) each.inc({ state: stateOf(peer) })
  })
  gauge('encode_speed_ratio', 'Seconds of sources that this node encodes in a second', [], async (each, from) =>
    each.set((await from.status.peers()).find(({ self }) => self)?.speed ?? 0),
  )
  const known = 'Whether some peer holds the lease of the leader; 0 also while the ledger does not answer'
  gauge('leader_known', known, [], async (each, from) => {
    each.set(0)
    each.set((await from.ledger.lease()).holder === null ? 0 : 1)
  })
  gauge('gossip_lag_seconds', 'Age of the oldest last heartbeat among the present peers', [], (each, from) => {
    const ages = from.table.all().map(({ heard_mono }) => clock.mono() - heard_mono)
    each.set(Math.max(0, ...ages.filter((ms) => ms < PRESENT_MS)) / 1000)
  })
  gauge('disk_free_bytes', 'Room of the disk of the blob store', [], async (each, from) =>
    each.set((await from.store.room()).freeBytes),
  )
  gauge('disk_size_bytes', 'Size of the disk of the blob store', [], async (each, from) =>
    each.set((await from.store.room()).totalBytes),
  )
  gauge('videos', 'Open videos by status', ['status'], async (each, from) => {
    const counts = await from.ledger.countVideos(OPEN_STATUSES)
    for (const status of OPEN_STATUSES) each.set({ status }, counts.get(status) ?? 0)
  })
  gauge(
    'undelivered_videos',
    'Completed videos with files that are not where they are wanted',
    [],
    async (each, from) => each.set((await from.ledger.undeliveredVideos()).length),
  )
  gauge('stuck_videos', 'Videos that make no progress for a reason that `status` states', [], async (each, from) =>
    each.set((await from.status.openVideos()).filter(({ still }) => still !== null).length),
  )
  const renditionOf = boundedLabels()
  gauge(
    'tasks',
    'Tasks of open videos by rendition, or kind, and status',
    ['rendition', 'status'],
    async (each, from) => {
      for (const { tasks } of await from.status.openVideos())
        for (const { resolution, status, count } of tasks)
          each.inc({ rendition: renditionOf(resolution), status }, count)
    },
  )
}

const stateOf = ({ state, self, heard_s }: PeerStatus): string =>
  !self && state !== 'leaving' && heard_s * 1000 > PRESENT_MS ? 'lost' : state
