/**
 * The one snapshot that every face reads: `reelmesh status`, the API, the dashboard and the progress bars. It is put together
 * from the ledger (truth) and from heartbeats (hints: progress, speed, load). Documented in docs/status.md; fields are only added.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Heartbeat, RunningAttempt } from '../../protocol/heartbeat.ts'
import { chunkOf, type PeerId, type VideoId } from '../../protocol/ids.ts'
import type { Ledger, LedgerEvent, PeerRecord } from '../../protocol/ledger.ts'
import { SHOWN_MS } from '../../protocol/limits.ts'
import { type PeerTable, presentPeers } from '../../protocol/peer-table.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { createAskInTime } from './ask-in-time.ts'
import { createVideoRows, shownVideos, type VideoRow } from './video-rows.ts'

/** One peer as `status` shows it, from its last heartbeat. */
export interface PeerStatus {
  readonly peer: PeerId
  readonly self: boolean
  readonly name: string
  readonly roles: readonly string[]
  /** Ids of the renditions that it encodes, or `all`. */
  readonly renditions: 'all' | readonly string[]
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

/** An engine on which the mesh starts workers by itself. */
export interface EngineStatus {
  readonly engine: string
  readonly wanted: number
  /** Why so many. */
  readonly reason: string | null
  /** Peers that reach it. */
  readonly peers: readonly PeerId[]
}

/** All that `reelmesh status --json` prints; docs/status.md. Fields are added, never changed, within `v`. */
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

/** What a snapshot is made of. `problems` says why deliveries of this peer do not get on. */
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

const EVENTS_SHOWN = 50
/** How long a face waits for the ledger: then the rest is shown without it. */
const ANSWER_MS = 3_000

/** What this node knows of the mesh, for people and programs. */
export interface Status {
  snapshot(): Promise<StatusSnapshot>
  /** One video, shown or not; null where there is none of that id. Throws `LedgerUnavailable`. */
  row(id: VideoId): Promise<VideoRow | null>
}

/** What a peer said last, and seconds since. */
interface Beat {
  readonly peer: PeerId
  readonly beat: Heartbeat
  readonly heard_s: number
}

/** Reads nothing until asked. A snapshot is made without the ledger where that does not answer in time. */
export function createStatus(options: StatusOptions): Status {
  const { self, version, ledger, clock, table, plans, problems } = options

  const beats = (): Beat[] => [
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

  const running = () => beats().flatMap(({ beat }) => beat.running)
  const rows = createVideoRows({ ledger, clock, plans, problems, present, running })

  const askLedger = createAskInTime({
    clock,
    ms: ANSWER_MS,
    description: ledger.description,
    async ask() {
      const [lease, records, engines, videos, events] = await Promise.all([
        ledger.lease(), ledger.peers(), ledger.engines(), shownVideos(ledger).then(rows), ledger.events(EVENTS_SHOWN),
      ]) // biome-ignore format: five questions, one line
      return { lease, records, engines, videos, events }
    },
  })

  return {
    async row(id) {
      const video = await ledger.video(id)
      return video && ((await rows([video]))[0] ?? null)
    },
    async snapshot() {
      const names = new Map(beats().map(({ peer, beat }) => [peer, beat.name]))
      const { answer, away } = await askLedger()
      const { lease, records = [], engines = [], videos = [], events = [] } = answer ?? {}
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
        peers: peerRows(beats(), records, self),
        engines: engines.map(({ _id, wanted, reason, peers }) => ({ engine: _id, wanted, reason, peers })),
        videos,
        events,
      }
    },
  }
}

function peerRows(beats: readonly Beat[], records: readonly PeerRecord[], self: PeerId): PeerStatus[] {
  return beats
    .map(({ peer, beat, heard_s }): PeerStatus => {
      const record = records.find((each) => each._id === peer)
      const { name, roles, renditions, slots, busy, state, load, ffmpeg, host, running } = beat
      const speed = sumByChunk(running)
      // The reason of a quarantine stays in the record when it is over.
      const isStated = record?.paused || record?.draining || state === 'quarantined'
      const stated = { paused: record?.paused ?? false, reason: (isStated && record?.reason) || null }
      return {
        peer,
        self: peer === self,
        name,
        roles,
        renditions,
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

/** Renditions of one chunk share one ffmpeg: its speed counts once. */
function sumByChunk(running: readonly RunningAttempt[]): number {
  const byChunk = new Map(running.map(({ task, speed }) => [chunkOf(task), speed]))
  return [...byChunk.values()].reduce((sum, speed) => sum + speed, 0)
}
