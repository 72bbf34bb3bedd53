/** One row per video for all interfaces: its state, progress and speed, and messages about it. */
import type { Clock } from '../../protocol/clock.ts'
import { type EventCode, isEvent } from '../../protocol/events.ts'
import type { RunningAttempt } from '../../protocol/heartbeat.ts'
import { type PeerId, partOf, type Sha256, type VideoId, videoOf } from '../../protocol/ids.ts'
import { kindFacts } from '../../protocol/kinds.ts'
import type { Ledger, LedgerEvent } from '../../protocol/ledger.ts'
import { SHOWN_VIDEOS } from '../../protocol/limits.ts'
import { FEW } from '../../protocol/pace.ts'
import { notesOf, type Plan, planSeconds } from '../../protocol/plan.ts'
import { remember } from '../../protocol/remember.ts'
import type { StatusSnapshot, VideoRow } from '../../protocol/status.ts'
import { isUndelivered, type Video } from '../../protocol/video.ts'
import type { PlanSource } from '../videos/plan-source.ts'
import { readDeadlines } from './deadlines.ts'
import { heldOf } from './held.ts'
import { plannedRenditions } from './planned-renditions.ts'
import { deliveryText, heldText, type NamedPeer } from './sentences.ts'
import { createSpeedometer } from './speedometer.ts'
import type { createStillVideos } from './still-videos.ts'
import { waitingOf } from './waiting.ts'

/** Number of videos that are watched for progress, and that metrics describe: the newest of each state. */
const WATCHED_VIDEOS = { working: 500, queued: 500, undelivered: 500 } as const
const WORKING = ['PLANNING', 'RUNNING', 'MERGING'] as const

/** The videos of a snapshot: open and undelivered ones first, so that one that waits for long is listed, and the newest ended ones. Rejects with `LedgerUnavailable`. */
export async function shownVideos(ledger: Ledger): Promise<Video[]> {
  const [open, undelivered, ended] = await Promise.all([
    openVideos(ledger, SHOWN_VIDEOS),
    ledger.undeliveredVideos(),
    ledger.videos({ statuses: ['COMPLETED', 'FAILED', 'CANCELLED'], limit: SHOWN_VIDEOS.ended }),
  ])
  return inOrder([...open, ...undelivered.slice(-SHOWN_VIDEOS.undelivered), ...ended])
}

/** The videos that are open or await a delivery, more of them than a snapshot shows. Rejects with `LedgerUnavailable`. */
export async function watchedVideos(ledger: Ledger): Promise<Video[]> {
  const [open, undelivered] = await Promise.all([openVideos(ledger, WATCHED_VIDEOS), ledger.undeliveredVideos()])
  return inOrder([...open, ...undelivered.slice(-WATCHED_VIDEOS.undelivered)])
}

/** Number of open videos that a snapshot of these videos does not show. Rejects with `LedgerUnavailable`. */
export async function unlistedVideos(ledger: Ledger, shown: readonly Video[]): Promise<StatusSnapshot['unlisted']> {
  const counts = await ledger.countVideos([...WORKING, 'QUEUED'])
  const listed = Map.groupBy(shown, ({ status }) => status)
  // A video may have moved on between both reads.
  const unlisted = (status: Video['status']) =>
    Math.max(0, (counts.get(status) ?? 0) - (listed.get(status)?.length ?? 0))
  return { working: WORKING.reduce((sum, status) => sum + unlisted(status), 0), queued: unlisted('QUEUED') }
}

/** One question where few were open at the last one, else one for each of both kinds. */
async function openVideos(ledger: Ledger, most: { working: number; queued: number }): Promise<Video[]> {
  if ((lastOpen.get(ledger) ?? FEW) < FEW) {
    const open = await ledger.videos({ statuses: [...WORKING, 'QUEUED'], limit: FEW })
    lastOpen.set(ledger, open.length)
    if (open.length < FEW) return open
  }
  const [working, queued] = await Promise.all([
    ledger.videos({ statuses: WORKING, limit: most.working }),
    ledger.videos({ statuses: ['QUEUED'], limit: most.queued }),
  ])
  lastOpen.set(ledger, working.length + queued.length)
  return [...working, ...queued]
}

/** The number of open videos that were found last. */
const lastOpen = new WeakMap<Ledger, number>()

/** One that moved on between two reads is there once. */
function inOrder(videos: readonly Video[]): Video[] {
  const byId = new Map(videos.map((each) => [each._id, each]))
  return [...byId.values()].sort((a, b) => a.created_at - b.created_at || (a._id < b._id ? -1 : 1))
}

/** The parts that rows are made from. `present` includes this peer. */
export interface VideoRowsOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly plans: PlanSource
  /** The newest events, which are searched for notes of merges. */
  events(): Promise<readonly LedgerEvent[]>
  /** Why deliveries of this peer fail now, by video. */
  problems(): ReadonlyMap<VideoId, string>
  present(): readonly { readonly peer: PeerId; readonly host: string }[]
  /** All peers of a snapshot, silent ones included. */
  peers(): readonly NamedPeer[]
  /** Why videos make no progress. */
  readonly stillOf: ReturnType<typeof createStillVideos>
  /** The running attempts of all peers that are heard. */
  running(): readonly RunningAttempt[]
}

/** The parts of a plan that rows need; a whole one may have 8 MB. */
type Planned = Pick<Plan, 'frames' | 'renditions'> & { readonly seconds: number; readonly notes: readonly string[] }
const UNPLANNED: Planned = { frames: 0, seconds: 0, notes: [], renditions: [] }

/** Statuses in which a snapshot shows the renditions of a video: of all that it lists they would be most of it. */
const SHOWS_RENDITIONS: readonly Video['status'][] = ['RUNNING', 'MERGING']

/** How rows are made. */
interface Shown {
  /** With the renditions of each, also where a snapshot of many leaves them out. */
  readonly whole?: boolean
  /** The newest events, where they have been read. */
  readonly newest?: readonly LedgerEvent[]
}

/** Makes the rows of these videos, in their order. Rejects where the ledger is unavailable. */
export function createVideoRows(
  options: VideoRowsOptions,
): (videos: readonly Video[], show?: Shown) => Promise<VideoRow[]> {
  const { ledger, clock, plans } = options
  const speedometer = createSpeedometer(clock)
  const plannedOf = createPlannedFacts(plans)

  return async (videos, { whole = false, newest } = {}) => {
    if (videos.length === 0) return []
    const peers = options.peers()
    // At once: a database takes some milliseconds to answer each of them.
    const [progress, events, waiting, forecastOf] = await Promise.all([
      ledger.progress(videos.map((video) => video._id)),
      newest ?? options.events(),
      waitingOf(videos, peers, ledger),
      readDeadlines(videos, options),
    ])
    const present = options.present()
    const running = Map.groupBy(options.running(), ({ task }) => videoOf(task))
    const problems = options.problems()
    const byVideo = Map.groupBy(events, ({ video }) => video)
    const textsOf = (code: EventCode, video: Video) =>
      (byVideo.get(video._id) ?? []).filter((event) => isEvent(event, code)).map(({ text }) => text)
    /** Problems of deliveries of other peers are in the events. */
    const problemOf = (video: Video) =>
      problems.get(video._id) ?? (isUndelivered(video) ? textsOf('delivery_failed', video).at(-1) : undefined)
    const still = await options.stillOf(videos, progress, problemOf)
    return Promise.all(
      videos.map(async (video) => {
        const tasks = progress.get(video._id) ?? []
        const planned = await plannedOf(video)
        const done = shareDone(video, tasks, running.get(video._id) ?? [])
        const rate = video.status === 'RUNNING' ? speedometer.rate(video._id, done) : null
        return rowOf({
          video,
          planned: whole || SHOWS_RENDITIONS.includes(video.status) ? planned : { ...planned, renditions: [] },
          tasks,
          done,
          rate,
          ...placesOf(video, present, peers),
          mergeNotes: textsOf('note', video),
          audits: auditsOf(tasks, (code) => textsOf(code, video).length),
          problem: problemOf(video),
          waiting: waiting.get(video._id) ?? null,
          still: still.get(video._id) ?? null,
          forecast: forecastOf(video),
        })
      }),
    )
  }
}

/** Reads the parts of plans that rows need, each plan once, as none changes. One that cannot be read now counts as missing. */
function createPlannedFacts(plans: PlanSource): (video: Video) => Promise<Planned> {
  const known = new Map<Sha256, Planned>()
  async function read(video: VideoId, sha256: Sha256): Promise<Planned> {
    const plan = await plans.planOf(video)
    const { frames, renditions } = plan
    const planned = { frames, renditions, seconds: planSeconds(plan), notes: notesOf(plan.fates) }
    remember(known, sha256, planned, SHOWN_VIDEOS.known)
    return planned
  }
  return async ({ _id, plan }) =>
    plan === null ? UNPLANNED : (known.get(plan.sha256) ?? (await read(_id, plan.sha256).catch(() => UNPLANNED)))
}

/** Where the blobs of a video are, and where its files are delivered. */
function placesOf(
  video: Video,
  present: ReturnType<VideoRowsOptions['present']>,
  peers: readonly NamedPeer[],
): Pick<VideoRow, 'held' | 'deliveries'> {
  const held = heldOf(video, present)
  return {
    held: { ...held, text: heldText(video.status, held, peers) },
    deliveries: video.deliveries.map(({ peer, dir, name, done_at }) => ({
      peer,
      dir,
      name,
      done_at,
      text: deliveryText(video.status, { peer, dir, done_at }, peers),
    })),
  }
}

function rowOf(of: {
  video: Video
  planned: Planned
  tasks: VideoRow['tasks']
  done: number
  /** Share of the encoding (0–1) per second; null until known. */
  rate: number | null
  held: VideoRow['held']
  deliveries: VideoRow['deliveries']
  mergeNotes: readonly string[]
  audits: VideoRow['audits']
  problem: string | undefined
  waiting: VideoRow['waiting']
  still: VideoRow['still']
  forecast: VideoRow['forecast']
}): VideoRow {
  const { video, planned, tasks, done, rate, held, audits, problem, waiting } = of
  const { frames, seconds } = planned
  return {
    id: video._id,
    name: video.name,
    status: video.status,
    created_at: video.created_at,
    priority: video.priority,
    deadline: video.deadline,
    forecast: of.forecast,
    done,
    frames,
    seconds,
    fps: rate === null ? null : rate * frames,
    speed: rate === null ? null : rate * seconds,
    eta_s: rate === null || rate === 0 ? null : (1 - done) / rate,
    tasks,
    renditions: plannedRenditions(planned.renditions, video, seconds),
    outputs: video.outputs.map(({ holders: _, ...output }) => output),
    deliveries: of.deliveries,
    held,
    audits,
    failure: video.failure,
    waiting,
    still: of.still,
    notes: [...planned.notes, ...of.mergeNotes, ...(problem ? [problem] : [])],
    problem: problem ?? null,
  }
}

/** `count`: the number of events of a code about the video, among the newest. */
function auditsOf(tasks: VideoRow['tasks'], count: (code: EventCode) => number): VideoRow['audits'] {
  const of = (...statuses: VideoRow['tasks'][number]['status'][]) =>
    tasks
      .filter(({ kind, status }) => kindFacts(kind).audits && statuses.includes(status))
      .reduce((sum, each) => sum + each.count, 0)
  return {
    open: of('PENDING', 'PROCESSING'),
    done: of('COMPLETED'),
    differed: count('audit_differs'),
    unsettled: count('results_differ'),
    skipped: count('audit_skipped'),
  }
}

function shareDone(video: Video, tasks: VideoRow['tasks'], running: readonly RunningAttempt[]): number {
  if (video.status === 'COMPLETED' || video.status === 'MERGING') return 1
  if (!video.plan) return 0
  const counted = tasks.filter(({ kind, status }) => status === 'COMPLETED' && kindFacts(kind).countsAsEncode)
  const completed = counted.reduce((sum, each) => sum + each.count, 0)
  return Math.min(1, (completed + partlyDone(tasks, running)) / Math.max(1, video.plan.tasks))
}

/**
 * The progress of running attempts, in tasks. A heartbeat may be a second old and list tasks that are COMPLETED by now, so that of each rendition
 * at most as many count as are PROCESSING in the ledger, the least done first.
 */
function partlyDone(tasks: VideoRow['tasks'], running: readonly RunningAttempt[]): number {
  const processing = tasks.filter(({ kind, status }) => status === 'PROCESSING' && kindFacts(kind).countsAsEncode)
  return processing.reduce((sum, { resolution, count }) => {
    const shares = running.filter(({ task }) => partOf(task) === resolution).map(({ done }) => done)
    return shares
      .sort((a, b) => a - b)
      .slice(0, count)
      .reduce((all, done) => all + done, sum)
  }, 0)
}
