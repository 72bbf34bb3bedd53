/**
 * The one snapshot that every face reads: `reelmesh status`, the API, the dashboard and the progress bars. It is put together
 * from the ledger (truth) and from heartbeats (hints: progress, speed, load). Documented in docs/status.md; fields are only added.
 */
import type { Clock } from '../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../protocol/heartbeat.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import { videoOf } from '../protocol/ids.ts'
import type { Ledger, LedgerEvent, PeerRecord } from '../protocol/ledger.ts'
import { SHOWN_MS } from '../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../protocol/peer-table.ts'
import { type Plan, planSeconds } from '../protocol/plan.ts'
import type { Delivery, Video, VideoOutput, VideoStatus } from '../protocol/video.ts'
import { createAskInTime } from './ask-in-time.ts'
import { type Held, heldOf } from './held.ts'
import type { PlanSource } from './plan-source.ts'
import { createSpeedometer } from './speedometer.ts'

export interface PeerStatus {
  readonly peer: PeerId
  readonly self: boolean
  readonly name: string
  readonly roles: readonly string[]
  readonly resolutions: readonly string[]
  readonly slots: number
  readonly busy: number
  readonly state: string
  /** Source seconds encoded per second, over all its attempts. */
  readonly speed: number
  readonly load: number
  /** Seconds since its last heartbeat. */
  readonly heard_s: number
  readonly version: string
  readonly ffmpeg: string
  readonly host: string
  readonly running: readonly RunningAttempt[]
  readonly paused: boolean
  readonly reason: string | null
}

export interface VideoRow {
  readonly id: VideoId
  readonly name: string
  readonly status: VideoStatus
  readonly created_at: number
  readonly priority: number
  /** Share of the encoding done, 0–1. */
  readonly done: number
  /** Source frames and seconds; 0 until planned. */
  readonly frames: number
  readonly seconds: number
  /** Source frames per second now, and source seconds per second; null until known. */
  readonly fps: number | null
  readonly speed: number | null
  readonly eta_s: number | null
  readonly tasks: readonly { readonly resolution: string; readonly status: string; readonly count: number }[]
  readonly outputs: readonly Pick<VideoOutput, 'resolution' | 'sha256' | 'bytes'>[]
  readonly deliveries: readonly Delivery[]
  readonly held: Held
  readonly failure: string | null
  /** What could not come along, and what stands in the way of a delivery. */
  readonly notes: readonly string[]
}

/** An engine on which the mesh starts workers by itself. */
export interface EngineStatus {
  readonly engine: string
  readonly wanted: number
  /** Why so many. */
  readonly reason: string | null
  /** Peers that reach it. */
  readonly peers: readonly PeerId[]
}

export interface StatusSnapshot {
  readonly v: 1
  /** Wall clock of the answering peer, ms. */
  readonly at: number
  readonly self: PeerId
  readonly version: string
  readonly leader: { readonly peer: PeerId; readonly name: string; readonly term: number } | null
  readonly ledger: { readonly description: string; readonly away: string | null }
  readonly peers: readonly PeerStatus[]
  readonly engines: readonly EngineStatus[]
  readonly videos: readonly VideoRow[]
  readonly events: readonly LedgerEvent[]
}

export interface StatusOptions {
  readonly self: PeerId
  readonly version: string
  readonly ledger: Ledger
  readonly clock: Clock
  readonly table: PeerTable
  readonly plans: PlanSource
  /** This peer's own heartbeat, as it would be sent now. */
  own(): Heartbeat
  problems(): ReadonlyMap<VideoId, string>
}

/** Ended videos shown, newest last. */
const VIDEOS_SHOWN = 200
const EVENTS_SHOWN = 50
/** How long a face waits for the ledger: then the rest is shown without it. */
const ANSWER_MS = 3_000
/** Events looked through for notes of merges. */
const EVENTS_READ = 500

export function createStatus(options: StatusOptions): { snapshot(): Promise<StatusSnapshot> } {
  const { self, version, ledger, clock, table, plans } = options
  const speedometer = createSpeedometer(clock)

  const beats = (): { peer: PeerId; beat: Heartbeat; heard_s: number }[] => [
    { peer: self, beat: options.own(), heard_s: 0 },
    ...table
      .all()
      .map(({ peer, beat, heard_mono }) => ({ peer, beat, heard_s: (clock.mono() - heard_mono) / 1000 }))
      .filter(({ beat, heard_s }) => heard_s * 1000 < (beat.state === 'leaving' ? SHOWN_MS.left : SHOWN_MS.silent)),
  ]

  const present = () => [
    { peer: self, host: options.own().host },
    ...presentPeers(table, clock.mono()).map(({ peer, beat }) => ({ peer, host: beat.host })),
  ]

  async function rows(): Promise<VideoRow[]> {
    const videos = await ledger.videos({ limit: VIDEOS_SHOWN })
    const progress = await ledger.progress(videos.map((video) => video._id))
    const here = present()
    const running = beats().flatMap(({ beat }) => beat.running)
    const notes = (await ledger.events(EVENTS_READ)).filter((event) => event.what === 'note')
    return Promise.all(
      videos.map(async (video) => {
        const tasks = progress.get(video._id) ?? []
        const plan = video.plan ? await plans.planOf(video._id).catch(() => null) : null
        const mine = running.filter((attempt) => videoOf(attempt.task) === video._id)
        return row({
          video,
          plan,
          tasks,
          running: mine,
          told: notes.filter((event) => event.video === video._id).map((event) => event.text),
          problem: options.problems().get(video._id),
          present: here,
        })
      }),
    )
  }

  function row(of: {
    video: Video
    plan: Plan | null
    tasks: VideoRow['tasks']
    running: readonly RunningAttempt[]
    /** What merges noted. */
    told: readonly string[]
    problem: string | undefined
    present: readonly { peer: PeerId; host: string }[]
  }): VideoRow {
    const { video, plan, tasks } = of
    const done = shareDone(video, tasks, of.running)
    const frames = plan?.frames ?? 0
    const seconds = plan ? planSeconds(plan) : 0
    const rate = video.status === 'RUNNING' ? speedometer.rate(video._id, done) : null
    return {
      id: video._id,
      name: video.name,
      status: video.status,
      created_at: video.created_at,
      priority: video.priority,
      done,
      frames,
      seconds,
      fps: rate === null ? null : rate * frames,
      speed: rate === null ? null : rate * seconds,
      eta_s: rate === null || rate === 0 ? null : (1 - done) / rate,
      tasks,
      outputs: video.outputs.map(({ resolution, sha256, bytes }) => ({ resolution, sha256, bytes })),
      deliveries: video.deliveries,
      held: heldOf(video, of.present),
      failure: video.failure,
      notes: [...(plan?.notes ?? []), ...of.told, ...(of.problem ? [of.problem] : [])],
    }
  }

  const askLedger = createAskInTime({
    clock,
    ms: ANSWER_MS,
    description: ledger.description,
    async ask() {
      const [lease, records, hosts, videos, events] = await Promise.all([
        ledger.lease(), ledger.peers(), ledger.hosts(), rows(), ledger.events(EVENTS_SHOWN),
      ]) // biome-ignore format: five questions, one line
      return { lease, records, hosts, videos, events }
    },
  })

  return {
    async snapshot() {
      const names = new Map(beats().map(({ peer, beat }) => [peer, beat.name]))
      const { answer, away } = await askLedger()
      const { lease, records = [], hosts = [], videos = [], events = [] } = answer ?? {}
      const leader =
        lease?.holder && lease.remaining_ms > 0
          ? { peer: lease.holder, name: names.get(lease.holder) ?? '', term: lease.term }
          : null
      return {
        v: 1 as const,
        at: clock.now(),
        self,
        version,
        leader,
        ledger: { description: ledger.description, away },
        peers: peerRows(records),
        engines: hosts.map(({ _id, wanted, reason, peers }) => ({ engine: _id, wanted, reason, peers })),
        videos,
        events,
      }
    },
  }

  function peerRows(records: readonly PeerRecord[]): PeerStatus[] {
    return beats()
      .map(({ peer, beat, heard_s }): PeerStatus => {
        const record = records.find((each) => each._id === peer)
        const { name, roles, resolutions, slots, busy, state, load, ffmpeg, host, running } = beat
        const speed = sumByChunk(running)
        // The reason of a quarantine stays in the record when it is over.
        const isStated = record?.paused || record?.draining || state === 'quarantined'
        const stated = { paused: record?.paused ?? false, reason: (isStated && record?.reason) || null }
        return {
          peer,
          self: peer === self,
          name,
          roles,
          resolutions,
          slots,
          busy,
          state,
          speed,
          load,
          heard_s,
          version: beat.version,
          ffmpeg,
          host,
          running,
          ...stated,
        }
      })
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.peer.localeCompare(b.peer))
  }
}

/** Renditions of one chunk share one ffmpeg: its speed counts once. */
function sumByChunk(running: readonly RunningAttempt[]): number {
  const byChunk = new Map(running.map(({ task, speed }) => [`${videoOf(task)}/${task.slice(-5)}`, speed]))
  return [...byChunk.values()].reduce((sum, speed) => sum + speed, 0)
}

function shareDone(video: Video, tasks: VideoRow['tasks'], running: readonly RunningAttempt[]): number {
  if (video.status === 'COMPLETED' || video.status === 'MERGING') return 1
  if (!video.plan) return 0
  const counted = tasks.filter(
    ({ resolution, status }) => status === 'COMPLETED' && resolution !== 'ingest' && resolution !== 'merge',
  )
  const completed = counted.reduce((sum, each) => sum + each.count, 0)
  return Math.min(1, (completed + partlyDone(tasks, running)) / Math.max(1, video.plan.tasks))
}

/**
 * What running attempts add. A heartbeat may be a second old and name tasks that are COMPLETED by now, so of each rendition
 * no more of them count than the ledger says are PROCESSING, the least done first.
 */
function partlyDone(tasks: VideoRow['tasks'], running: readonly RunningAttempt[]): number {
  const processing = tasks.filter(
    ({ resolution, status }) => status === 'PROCESSING' && resolution !== 'ingest' && resolution !== 'merge',
  )
  return processing.reduce((sum, { resolution, count }) => {
    const shares = running.filter(({ task }) => task.split('/')[1] === resolution).map(({ done }) => done)
    return shares
      .sort((a, b) => a - b)
      .slice(0, count)
      .reduce((all, done) => all + done, sum)
  }, 0)
}
