/**
 * The snapshot that all interfaces read: `reelmesh status`, the API, the dashboard and the progress bars. It combines the ledger (durable state)
 * and heartbeats (progress, speed, load). protocol/status.ts describes each field.
 */
import type { AttemptPage, AttemptsQuery } from '../../protocol/api-attempts.ts'
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, type PeerId, type TaskId, type VideoId } from '../../protocol/ids.ts'
import type { EngineRecord, Lease, Ledger, PeerRecord } from '../../protocol/ledger.ts'
import { SHOWN_MS } from '../../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'
import type { EngineStatus, PeerStatus, StatusSnapshot, TaskRow, VideoDetail, VideoRow } from '../../protocol/status.ts'
import type { PlannedRendition } from '../../protocol/status-encodes.ts'
import type { Video } from '../../protocol/video.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { createAskInTime } from './ask-in-time.ts'
import { attemptPage } from './attempt-rows.ts'
import { type LedgerWatch, ledgerText } from './ledger-watch.ts'
import { createNewestEvents } from './newest-events.ts'
import { plannedRenditions } from './planned-renditions.ts'
import type { ProgressWatch } from './progress-watch.ts'
import { engineText, type NamedPeer, stateText } from './sentences.ts'
import { sharedProblems, sharingOf } from './shared-problems.ts'
import { createStillVideos } from './still-videos.ts'
import { detailOf, taskRowOf } from './video-detail.ts'
import { createVideoRows, shownVideos, unlistedVideos, watchedVideos } from './video-rows.ts'
import { createVideoStillness, type StillVideo } from './video-stillness.ts'

/** The parts that a snapshot is made from. `problems`: why deliveries of this peer fail now. */
export interface StatusOptions {
  readonly self: PeerId
  readonly version: string
  readonly ledger: Ledger
  readonly clock: Clock
  readonly table: PeerTable
  readonly plans: PlanSource
  /** This peer's own heartbeat now. */
  own(): Heartbeat
  problems(): ReadonlyMap<VideoId, string>
  readonly watch: ProgressWatch
  readonly ledgerWatch: LedgerWatch
  /** Peers from which blobs can be had now (`reachablePeers`). */
  reachable(): readonly PeerId[]
  /** Whether this peer leads now. */
  leads(): boolean
}

const EVENTS_SHOWN = 50
const NONE: StatusSnapshot['unlisted'] = { working: 0, queued: 0 }
/** How long a snapshot waits for the ledger; then it has heartbeats only. */
const ANSWER_MS = 3_000

/** The state of the mesh as this node knows it, for people and programs. */
export interface Status {
  snapshot(): Promise<StatusSnapshot>
  /** One video, in the snapshot or not; null where there is none of that id. Rejects with `LedgerUnavailable`. */
  video(id: VideoId): Promise<VideoDetail | null>
  /** Rows of these videos, in their order. Rejects with `LedgerUnavailable`. */
  rows(videos: readonly Video[]): Promise<VideoRow[]>
  /** The peers that are heard, by name, with their records. Rejects with `LedgerUnavailable`. */
  peers(): Promise<PeerStatus[]>
  /** All engines. Rejects with `LedgerUnavailable`. */
  engines(): Promise<EngineStatus[]>
  /** The tasks of a video in the order of claims; empty where there is no such video. Rejects with `LedgerUnavailable`. */
  tasks(id: VideoId): Promise<TaskRow[]>
  /** A page of the attempts at its tasks; empty where there is no such video. Rejects with `LedgerUnavailable`. */
  attempts(id: VideoId, query: AttemptsQuery): Promise<AttemptPage>
  /** The rows of the videos that are open or await a delivery. Rejects with `LedgerUnavailable`. */
  openVideos(): Promise<VideoRow[]>
  /** Why each of those videos makes no progress, without all else that their rows hold. Rejects with `LedgerUnavailable`. */
  stillness(): Promise<StillVideo[]>
}

/** The last heartbeat of a peer, and the seconds since. */
interface Beat {
  readonly peer: PeerId
  readonly beat: Heartbeat
  readonly heard_s: number
}

/** Makes the status. A snapshot is made without the ledger where that does not answer in `ANSWER_MS`. */
export function createStatus(options: StatusOptions): Status {
  const { self, version, ledger, clock, table, plans, problems, watch, reachable, leads } = options
  const beats = () => beatsOf(options)

  const present = () => [
    { peer: self, host: options.own().host },
    ...presentPeers(table, clock.mono()).map(({ peer, beat }) => ({ peer, host: beat.host })),
  ]
  const running = () => beats().flatMap(({ beat }) => beat.running)
  const peers = (): NamedPeer[] => beats().map(({ peer, beat: { name, host } }) => ({ peer, name, host }))
  const stillOf = createStillVideos({ self, ledger, clock, watch, beats, reachable, leads })
  const events = createNewestEvents(ledger, clock)
  const stillness = createVideoStillness({ ledger, events, problems, stillOf })
  const rows = createVideoRows({ ledger, clock, plans, events, problems, present, peers, running, stillOf })

  const askLedger = createAskInTime({
    clock,
    ms: ANSWER_MS,
    description: ledger.description,
    async ask() {
      const [lease, records, engines, shown, newest] = await Promise.all([
        ledger.lease(), ledger.peers(), ledger.engines(), shownVideos(ledger), events(),
      ]) // biome-ignore format: five questions, one line
      const [videos, unlisted] = await Promise.all([rows(shown, { newest }), unlistedVideos(ledger, shown)])
      return { lease, records, engines, videos, unlisted, events: newest.slice(-EVENTS_SHOWN) }
    },
  })

  return {
    async video(id) {
      const video = await ledger.video(id)
      const [row] = video ? await rows([video], { whole: true }) : []
      return video && row ? detailOf(video, row) : null
    },
    rows: (videos) => rows(videos),
    peers: async () => peerRows(beats(), await ledger.peers(), self),
    engines: async () => engineRows(await ledger.engines(), beats()),
    openVideos: async () => rows(await watchedVideos(ledger)),
    stillness: async () => stillness(await watchedVideos(ledger)),
    async tasks(id) {
      const tasks = await ledger.tasks({ video: id })
      const renditions = await encodesOf(id, plans)
      return tasks.map((task) => taskRowOf(task, renditions))
    },
    async attempts(id, { task, ...page }) {
      const one = task === undefined ? null : await ledger.task(task as TaskId)
      const tasks = task === undefined ? await ledger.tasks({ video: id }) : one?.video_id === id ? [one] : []
      return attemptPage(tasks, await encodesOf(id, plans), page)
    },
    async snapshot() {
      const { answer, away } = await askLedger()
      const heard = beats()
      const { lease, records = [], engines = [], videos = [], unlisted = NONE, events = [] } = answer ?? {}
      return {
        v: 1 as const,
        at: clock.now(),
        self,
        version,
        leader: lease ? leaderOf(lease, heard) : null,
        ledger: { description: ledger.description, ...ledgerState(away, options) },
        peers: peerRows(heard, records, self),
        problems: sharedProblems(heard.filter(({ beat }) => beat.state !== 'leaving').map(sharingOf)),
        engines: engineRows(engines, heard),
        videos,
        unlisted,
        events,
      }
    },
  }
}

/** The heartbeats that are shown: its own, and those of peers that are silent or left not too long ago. */
const beatsOf = ({ self, own, table, clock }: StatusOptions): Beat[] => [
  { peer: self, beat: own(), heard_s: 0 },
  ...table
    .all()
    .map(({ peer, beat, heard_mono }) => ({ peer, beat, heard_s: (clock.mono() - heard_mono) / 1000 }))
    .filter(({ beat, heard_s }) => heard_s * 1000 < (beat.state === 'leaving' ? SHOWN_MS.left : SHOWN_MS.silent)),
]

function ledgerState(
  away: string | null,
  { ledgerWatch, clock }: Pick<StatusOptions, 'ledgerWatch' | 'clock'>,
): Omit<StatusSnapshot['ledger'], 'description'> {
  if (away === null) return { away, since: null, text: null }
  const ms = ledgerWatch.unansweredMs()
  return { away, since: Math.round(clock.now() - ms), text: ledgerText(away, ms) }
}

function leaderOf({ holder, remaining_ms, term }: Lease, beats: readonly Beat[]): StatusSnapshot['leader'] {
  if (holder === null || remaining_ms <= 0) return null
  return { peer: holder, name: beats.find(({ peer }) => peer === holder)?.beat.name ?? '', term }
}

const engineRows = (engines: readonly EngineRecord[], beats: readonly Beat[]): EngineStatus[] =>
  engines.map(({ _id: engine, wanted, reason, peers }) => {
    return { engine, wanted, reason, peers, text: engineText({ wanted, reason, peers }, beats) }
  })

/** How a video is encoded, for its tasks; nothing without a plan, or where it cannot be read now. */
const encodesOf = (id: VideoId, plans: PlanSource): Promise<PlannedRendition[]> =>
  plans.planOf(id).then(
    ({ renditions }) => plannedRenditions(renditions, { outputs: [] }, 0),
    () => [],
  )

function peerRows(beats: readonly Beat[], records: readonly PeerRecord[], self: PeerId): PeerStatus[] {
  return beats
    .map(({ peer, beat, heard_s }): PeerStatus => {
      const record = records.find((each) => each._id === peer)
      const { name, roles, renditions, slots, busy, state, load, ffmpeg, host, running } = beat
      const speed = sumByChunk(running)
      // The reason of a quarantine stays in the record after its end.
      const isStated = record?.paused || record?.draining || state === 'quarantined'
      const paused = record?.paused ?? false
      return {
        peer,
        self: peer === self,
        name,
        roles,
        renditions,
        slots,
        busy,
        state,
        state_text: stateText({ state, paused, heard_s }),
        speed,
        load,
        heard_s,
        version: beat.version,
        ffmpeg,
        encoders: beat.encoders,
        decoders: beat.decoders.length,
        speeds: beat.speeds ?? {},
        host,
        http: beat.http ?? null,
        running,
        shared: beat.shared ?? [],
        paused,
        reason: (isStated && record?.reason) || null,
      }
    })
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || a.peer.localeCompare(b.peer))
}

/** Renditions of one chunk share one ffmpeg: its speed counts once. */
function sumByChunk(running: readonly RunningAttempt[]): number {
  const byChunk = new Map(running.map(({ task, speed }) => [chunkOf(task), speed]))
  return [...byChunk.values()].reduce((sum, speed) => sum + speed, 0)
}
