/**
 * The order in which open videos are claimed, and when each will be done. Pure: the videos, their work at the measured speeds and the past
 * in; the key of each (protocol/claim-order.ts), its forecast and the new past out.
 *
 * - Among equal priorities, videos with a deadline come first, the one with the least slack before the others. Slack is the time until the
 *   deadline less what its work takes on all peers that are there.
 * - Where not all deadlines can be held, those are let go that cost the others most: by increasing deadline, and as soon as one would be missed
 *   the largest of those before it (Moore and Hodgson, 1968, which holds the most deadlines on one machine). They are *late*: claimed after
 *   those that can be held, unless these have the time to spare; not dropped. Without this, least slack first works on the hopeless ones and misses the others too.
 * - Late ones and those without a deadline keep `REST_SHARE` of the slots while others wait: what they lacked is credit, and while there
 *   is credit some of them are *promoted* before all others. Among them it is the turn of the submitter with the fewest running encodes, and of
 *   its video that is due first, so that none starves.
 *
 * Leaves out: work that is not submitted yet, and peers that will leave.
 */
import { type Band, keyIn } from '../../protocol/claim-order.ts'
import type { Forecast } from '../../protocol/forecast.ts'
import type { VideoId } from '../../protocol/ids.ts'

/** An open video that still needs encodes. Times are ms since 1970, durations seconds. */
export interface OpenVideo {
  readonly id: VideoId
  /** Who submitted it: videos of one submitter share its turns. */
  readonly submitter: string
  /** An integer, the highest first. */
  readonly priority: number
  /** Its place without a deadline, ms since 1970: created_at + the duration of the source. */
  readonly place: number
  /** Ms since 1970; null without one. */
  readonly deadline: number | null
  /** Seconds that all peers which are there would take for what is left of it; Infinity where none of them can encode it. */
  readonly work_s: number
  /** Seconds that it takes at least, however many peers there are: one chunk on one slot. */
  readonly least_s: number
  /** Number of encode slots that work on it. */
  readonly running: number
  /** Whether a task of it waits to be claimed, or it is not planned yet. */
  readonly waits: boolean
}

/** The input of a decision. */
export interface OrderView {
  /** Ms since 1970. */
  readonly now: number
  readonly videos: readonly OpenVideo[]
  /** Number of encode slots in the mesh. */
  readonly slots: number
  /** The fastest peer, and its share (0–1) of the speed of the mesh; null where there is none. */
  readonly fastest: { readonly name: string; readonly share: number } | null
}

/** What the next decision needs. */
export interface OrderPast {
  /** Ms since 1970. */
  readonly at: number
  /** Mesh seconds that the videos of the share have not had, by priority. */
  readonly credit: ReadonlyMap<number, number>
}

/** The result of a decision. */
export interface OrderDecision {
  /** The key of every video, as `due` holds it. */
  readonly keys: ReadonlyMap<VideoId, number>
  readonly forecasts: ReadonlyMap<VideoId, Forecast>
  readonly past: OrderPast
}

/** Share (0–1) of the slots that late videos and those without a deadline have while others wait. */
export const REST_SHARE = 0.1
/** Share (0–1) of the time to spare that a late video may take: with all of it an overloaded simulated day holds 4 to 8 % fewer deadlines. */
const FIT_SHARE = 0.1
/** Most credit and most debt, mesh seconds: after a minute of one kind the other has its turn. */
const CREDIT_MAX_S = 60
/** Longest time between two decisions that counts, s: a new leader, or one that was frozen, makes up for none of it. */
const GAP_MAX_S = 30
/** Work that is promoted for the sake of other submitters, mesh seconds: more than is claimed until the next decision. */
const FRONT_S = 15

/** The decision. `past`: that of the last one; null for the first. */
export function decideOrder(view: OrderView, past: OrderPast | null): OrderDecision {
  const keys = new Map<VideoId, number>()
  const forecasts = new Map<VideoId, Forecast>()
  const credit = new Map<number, number>()
  let ahead_s = 0
  const groups = Map.groupBy(view.videos, ({ priority }) => priority)
  for (const [priority, videos] of [...groups].sort(([a], [b]) => b - a)) {
    const group = orderGroup(view, videos, ahead_s)
    const credits = creditOf(view, group, past, priority)
    if (credits !== null) credit.set(priority, credits)
    const promoted = promotedOf(group, credits)
    const late = new Set(group.late)
    for (const video of videos) keys.set(video.id, keyOf(video, bandOf(video, late, promoted)))
    for (const [id, forecast] of group.forecasts) forecasts.set(id, forecast)
    ahead_s += videos.reduce((sum, { work_s }) => sum + finite(work_s), 0)
  }
  return { keys, forecasts, past: { at: view.now, credit } }
}

/** Videos of one priority, divided. */
interface Group {
  readonly held: readonly OpenVideo[]
  readonly late: readonly OpenVideo[]
  readonly undated: readonly OpenVideo[]
  readonly forecasts: ReadonlyMap<VideoId, Forecast>
}

type Dated = OpenVideo & { readonly deadline: number }
const isDated = (video: OpenVideo): video is Dated => video.deadline !== null
const finite = (seconds: number): number => (Number.isFinite(seconds) ? seconds : 0)
/** Seconds that a video needs, alone on all peers. */
const needOf = ({ work_s, least_s }: OpenVideo): number => Math.max(work_s, least_s)
/** The latest start that still holds the deadline, ms since 1970. */
const latestStart = (video: Dated): number => video.deadline - finite(needOf(video)) * 1000

function orderGroup(view: OrderView, all: readonly OpenVideo[], ahead_s: number): Group {
  const dated = all.filter(isDated).sort((a, b) => a.deadline - b.deadline || a.place - b.place)
  const undated = all.filter((video) => !isDated(video))
  // What the others keep is not there for deadlines.
  const pace = undated.length > 0 ? 1 - REST_SHARE : 1
  const divided = divide(view.now, dated, { ahead_s, pace })
  const fitting = fittingBefore(view.now, divided, { ahead_s, pace })
  const held = [...divided.held, ...fitting].sort((a, b) => latestStart(a) - latestStart(b))
  const late = divided.late.filter((video) => !fitting.includes(video)).sort((a, b) => a.place - b.place)
  const forecasts = new Map<VideoId, Forecast>()
  let before_s = ahead_s
  for (const video of [...held, ...late]) {
    before_s += finite(video.work_s) / pace
    const done_at = doneAt(view.now, before_s, video)
    const isHeld = done_at !== null && done_at <= video.deadline
    forecasts.set(video.id, { done_at, more: isHeld ? 0 : moreWorkers(view, video, before_s) })
  }
  return { held, late, undated, forecasts }
}

/** Late videos that cost those that can be held only a little of the time that all of these have to spare. The smallest first. */
function fittingBefore(
  now: number,
  { held, late }: { readonly held: readonly Dated[]; readonly late: readonly Dated[] },
  { ahead_s, pace }: { ahead_s: number; pace: number },
): Dated[] {
  let [before_s, spare_s] = [ahead_s, Number.POSITIVE_INFINITY]
  for (const video of held.toSorted((a, b) => latestStart(a) - latestStart(b))) {
    before_s += video.work_s / pace
    spare_s = Math.min(spare_s, (video.deadline - now) / 1000 - Math.max(before_s, video.least_s))
  }
  if (held.length === 0) return []
  return late
    .toSorted((a, b) => a.work_s - b.work_s)
    .filter(({ work_s }) => {
      if (work_s / pace > spare_s * FIT_SHARE) return false
      spare_s -= work_s / pace
      return true
    })
}

/** Divides videos, by increasing deadline, into those whose deadlines can be held together and the others. */
function divide(
  now: number,
  dated: readonly Dated[],
  { ahead_s, pace }: { ahead_s: number; pace: number },
): { held: Dated[]; late: Dated[] } {
  const late: Dated[] = []
  let held: Dated[] = []
  let before_s = ahead_s
  for (const video of dated) {
    const left_s = (video.deadline - now) / 1000
    if (ahead_s + needOf(video) > left_s) {
      late.push(video)
      continue
    }
    held.push(video)
    before_s += finite(video.work_s) / pace
    if (before_s <= left_s) continue
    const largest = held.reduce((most, one) => (one.work_s > most.work_s ? one : most))
    held = held.filter((one) => one !== largest)
    before_s -= largest.work_s / pace
    late.push(largest)
  }
  return { held, late }
}

const doneAt = (now: number, before_s: number, video: OpenVideo): number | null =>
  Number.isFinite(video.work_s) ? Math.round(now + Math.max(before_s, video.least_s) * 1000) : null

/** How many workers like the fastest would have to join, so that all before it and the video itself are done by its deadline. */
function moreWorkers({ now, fastest }: OrderView, video: Dated, before_s: number): number | null {
  const left_s = (video.deadline - now) / 1000
  if (!fastest || fastest.share <= 0 || !Number.isFinite(video.work_s) || video.least_s >= left_s) return null
  return Math.max(1, Math.ceil((before_s / left_s - 1) / fastest.share))
}

/** The videos that come first, and those that keep a share of the slots beside them. */
const sidesOf = ({ held, late, undated }: Group): { first: readonly OpenVideo[]; others: readonly OpenVideo[] } =>
  held.length > 0 ? { first: held, others: [...late, ...undated] } : { first: late, others: undated }

/** The credit of the others now; null where the two do not compete. */
function creditOf(view: OrderView, group: Group, past: OrderPast | null, priority: number): number | null {
  const { first, others } = sidesOf(group)
  if (first.length === 0 || others.length === 0) return null
  const passed_s = past ? Math.min(GAP_MAX_S, (view.now - past.at) / 1000) : 0
  const had = others.reduce((sum, { running }) => sum + running, 0) / Math.max(1, view.slots)
  const credit = (past?.credit.get(priority) ?? 0) + (REST_SHARE - had) * passed_s
  return Math.max(-CREDIT_MAX_S, Math.min(CREDIT_MAX_S, credit))
}

/** The videos whose turn it is, before all others. */
function promotedOf(group: Group, credit: number | null): ReadonlySet<VideoId> {
  if (credit !== null) return new Set(credit > 0 ? turns(sidesOf(group).others, credit).map(({ id }) => id) : [])
  if (group.held.length > 0) return new Set()
  const rest = [...group.late, ...group.undated]
  if (new Set(rest.map(({ submitter }) => submitter)).size < 2) return new Set()
  const front = turns(rest, FRONT_S)
  // Those that are first anyway need no other key.
  const first = new Set(waiting(rest).slice(0, front.length))
  return new Set(front.filter((video) => !first.has(video)).map(({ id }) => id))
}

/** Those that have something to claim, the one that is due first before the others. */
const waiting = (videos: readonly OpenVideo[]): OpenVideo[] => videos.filter(({ waits }) => waits).sort(byPlace)

const byPlace = (a: OpenVideo, b: OpenVideo): number => a.place - b.place || (a.id < b.id ? -1 : 1)

/** Videos by turns of their submitters until they are this much work, mesh seconds: each time of the submitter with the fewest encodes. */
function turns(of: readonly OpenVideo[], work_s: number): OpenVideo[] {
  const encodes = new Map<string, number>()
  for (const { submitter, running } of of) encodes.set(submitter, (encodes.get(submitter) ?? 0) + running)
  const queues = [...Map.groupBy(waiting(of), ({ submitter }) => submitter).values()]
  const taken: OpenVideo[] = []
  let left_s = work_s
  while (left_s > 0 && queues.length > 0) {
    const next = queues.reduce((best, queue) => (isBefore(queue[0]!, best[0]!, encodes) ? queue : best))
    const video = next.shift()!
    if (next.length === 0) queues.splice(queues.indexOf(next), 1)
    encodes.set(video.submitter, (encodes.get(video.submitter) ?? 0) + 1)
    taken.push(video)
    left_s -= finite(video.work_s)
  }
  return taken
}

function isBefore(a: OpenVideo, b: OpenVideo, encodes: ReadonlyMap<string, number>): boolean {
  const less = (encodes.get(a.submitter) ?? 0) - (encodes.get(b.submitter) ?? 0)
  return less < 0 || (less === 0 && byPlace(a, b) < 0)
}

function bandOf(video: OpenVideo, late: ReadonlySet<OpenVideo>, promoted: ReadonlySet<VideoId>): Band {
  if (promoted.has(video.id)) return 'promoted'
  if (video.deadline === null) return 'rest'
  return late.has(video) ? 'late' : 'held'
}

const keyOf = (video: OpenVideo, band: Band): number =>
  keyIn(band, band === 'held' && isDated(video) ? latestStart(video) : video.place)
