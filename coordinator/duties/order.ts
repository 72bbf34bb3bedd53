/**
 * Applies the order of claims: writes the key of each video where the decision (`policy/claim-order.ts`) changed it, publishes the forecasts of
 * deadlines as a note of the lease, and emits an event where a deadline comes into danger, is missed or is safe again. While no video has a
 * deadline, and all are of one submitter, the order is that in which they came, and nothing is written.
 *
 * The credit of the share and the measured speeds are those of this term; how each deadline stood is read from the events.
 */
import { BAND_MS, placeOf } from '../../protocol/claim-order.ts'
import { type EventCode, isEvent } from '../../protocol/events.ts'
import {
  type DeadlineState,
  deadlineState,
  FORECASTS_MAX,
  FORECASTS_NOTE,
  type Forecasts,
  forecastsText,
} from '../../protocol/forecast.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Counts } from '../../protocol/ledger.ts'
import { presentPeers, takesWork } from '../../protocol/peer-table.ts'
import type { Video } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../duty.ts'
import { type KnownVideos, takeLook, type VideoReader } from '../open-videos.ts'
import { createPeerSpeeds } from '../peer-speeds.ts'
import { createPlanLengths, type Length } from '../plan-lengths.ts'
import { decideOrder, type OpenVideo, type OrderDecision, type OrderPast } from '../policy/claim-order.ts'
import { doneOf, fastestOf, slotsByVideo, type VideoWork, type WorkingPeer, workOf } from '../policy/video-work.ts'

/** The parts of the term that this duty uses. */
export type OrderContext = Pick<
  TermContext,
  'self' | 'name' | 'slots' | 'capability' | 'running' | 'openVideos' | 'term' | 'ledger' | 'clock' | 'emit' | 'peers'
>

/** Interval of decisions, ms. */
const ORDER_MS = 2_000
/** Most videos that are looked at in every decision, by deadline and by key; of the others the work is estimated, and they are read at a slower pace. */
const NEAR_MAX = 64
/** Change of a place that is written, ms: at least this, or this share of the time until it. */
const REWRITE = { ms: 15_000, share: 0.05 }
/** Most videos whose key is written in one round, those that are claimed first. */
const WRITES_MAX = 64
/** Change of a forecast that is published, ms: at least this, or a twentieth of the time until then. */
const NEWS_MS = 10_000
/** Number of events from which a new leader learns how deadlines stood. */
const EVENTS_READ = 500

const EVENTS_OF: readonly (readonly [EventCode, DeadlineState])[] = [
  ['deadline_danger', 'danger'],
  ['deadline_missed', 'missed'],
  ['deadline_safe', 'held'],
]

/** The duty that orders the claims, for one term. */
export function createOrder(context: OrderContext): Duty {
  const orderer = new Orderer(context)
  return { name: 'order', round: () => orderer.round() }
}

class Orderer {
  readonly #context: OrderContext
  readonly #lengths: ReturnType<typeof createPlanLengths>
  readonly #speeds = createPeerSpeeds()
  #past: OrderPast | null = null
  #states: Map<VideoId, DeadlineState> | null = null
  #published: Forecasts | null = null
  #roundAt = Number.NEGATIVE_INFINITY
  /** Whether the videos were in another order than that of the submits at the last decision. */
  #isOrdered = false
  readonly #open: KnownVideos = new Map()
  readonly #reader: VideoReader

  constructor(context: OrderContext) {
    this.#context = context
    this.#lengths = createPlanLengths(context.ledger)
    this.#reader = context.openVideos.reader()
  }

  async round(): Promise<void> {
    const { clock } = this.#context
    if (clock.mono() - this.#roundAt < ORDER_MS) return
    this.#roundAt = clock.mono()
    const near = this.#near()
    await this.#reader.look(near, async (look) => {
      const isSame = !look.isAll && look.videos.length === 0 && look.asked.length === 0
      takeLook(this.#open, look)
      // In the order of the submits nothing but another video changes anything.
      if (isSame && !this.#isOrdered) return
      await this.#order()
    })
  }

  /** The videos whose deadline is first, and those that are claimed first. */
  #near(): VideoId[] {
    if (!this.#isOrdered) return []
    const open = [...this.#open.values()].map(({ video }) => video)
    const dated = open.filter(({ deadline }) => deadline !== null).sort((a, b) => a.deadline! - b.deadline!)
    const first = open.sort((a, b) => b.priority - a.priority || a.due - b.due)
    return [...new Set([...dated.slice(0, FORECASTS_MAX), ...first.slice(0, NEAR_MAX)].map(({ _id }) => _id))]
  }

  async #order(): Promise<void> {
    const { ledger } = this.#context
    const open = [...this.#open.values()].map(({ video }) => video)
    this.#lengths.keepOnly(new Set(this.#open.keys()))
    this.#isOrdered = isOrdered(open)
    if (!this.#isOrdered) return await this.#publish({ like: null, videos: new Map() })
    await this.#lengths.read(this.#near().map((id) => this.#open.get(id)!.video))
    const peers = this.#peers()
    const now = await ledger.now()
    const decision = this.#decide(now, peers)
    await this.#writeKeys(now, open, decision)
    const dated = open.filter(({ deadline }) => deadline !== null).sort((a, b) => a.deadline! - b.deadline!)
    const said = dated.flatMap(({ _id }) => {
      const forecast = this.#lengths.known.has(_id) && decision.forecasts.get(_id)
      return forecast ? [[_id, forecast] as const] : []
    })
    const forecasts = { like: fastestOf(peers)?.name ?? null, videos: new Map(said.slice(0, FORECASTS_MAX)) }
    await this.#publish(forecasts, now)
    for (const video of dated) await this.#emitChange(now, video, forecasts)
  }

  /** The peers that take work now, this one among them, with their speeds. */
  #peers(): WorkingPeer[] {
    const { self, name, slots, capability, running, peers, clock } = this.#context
    const own = capability ? [{ peer: self, name, slots, capability, running: running(), speeds: {} }] : []
    const beats = presentPeers(peers, clock.mono()).filter(({ beat }) => takesWork(beat) && beat.slots > 0)
    const all = [...own, ...beats.map(({ peer, beat }) => ({ peer, ...beat, capability: beat }))]
    this.#speeds.measure(new Map(all.map((one) => [one.peer, one.running])), this.#lengths.known)
    return all.map(({ peer, name, slots, capability, running, speeds }) => ({
      name,
      slots,
      capability,
      running,
      calibration: this.#speeds.of(peer, speeds),
    }))
  }

  #decide(now: number, peers: readonly WorkingPeer[]): OrderDecision {
    const running = peers.flatMap((peer) => peer.running)
    const slots = slotsByVideo(running)
    const works = new Map<VideoId, VideoWork>()
    for (const [id, length] of this.#lengths.known)
      works.set(id, workOf(length, doneOf(id, length, this.#open.get(id)!.counts, running), peers))
    const estimate = { work_s: typicalWork([...works.values()]), least_s: 0 }
    const videos = [...this.#open.values()].map(({ video, counts }): OpenVideo => {
      const work = works.get(video._id) ?? estimate
      const length = this.#lengths.known.get(video._id)
      return { ...placed(video, length), ...work, running: slots.get(video._id) ?? 0, waits: waits(video, counts) }
    })
    const total = peers.reduce((sum, peer) => sum + peer.slots, 0)
    const decision = decideOrder({ now, videos, slots: total, fastest: fastestOf(peers) }, this.#past)
    this.#past = decision.past
    return decision
  }

  async #writeKeys(now: number, open: readonly Video[], { keys }: OrderDecision): Promise<void> {
    const { ledger, term } = this.#context
    const changed = open.filter((video) => isWorthWriting(now, video, keys.get(video._id)!))
    const first = changed.sort((a, b) => keys.get(a._id)! - keys.get(b._id)!).slice(0, WRITES_MAX)
    for (const video of first) {
      const due = keys.get(video._id)!
      if ((await ledger.setDue(video._id, { due, term })) !== 'changed') continue
      const { counts } = this.#open.get(video._id)!
      this.#open.set(video._id, { video: { ...video, due }, counts })
    }
  }

  async #publish(forecasts: Forecasts, now = 0): Promise<void> {
    const { ledger, term } = this.#context
    if (this.#published && !isNews(now, this.#published, forecasts)) return
    const text = forecasts.videos.size > 0 ? forecastsText(forecasts) : null
    await ledger.setNote({ lease: 'coordinator', key: FORECASTS_NOTE, text, term })
    this.#published = forecasts
  }

  async #emitChange(now: number, { _id, name, deadline }: Video, { like, videos }: Forecasts): Promise<void> {
    this.#states ??= await this.#statesBefore()
    const before = this.#states.get(_id)
    const forecast = videos.get(_id)
    const state = deadlineState({ now, deadline: deadline!, forecast, before })
    this.#states.set(_id, state)
    if (state === (before ?? 'held')) return
    const { emit } = this.#context
    if (state === 'missed') await emit({ code: 'deadline_missed', video: _id, name })
    else if (state === 'danger') {
      const { done_at = null, more = null } = forecast ?? {}
      const late_ms = done_at === null ? null : done_at - deadline!
      await emit({ code: 'deadline_danger', video: _id, name, late_ms, more, like })
    } else if (forecast?.done_at)
      await emit({ code: 'deadline_safe', video: _id, name, spare_ms: deadline! - forecast.done_at })
  }

  /** How deadlines stood when the last leader emitted about them. */
  async #statesBefore(): Promise<Map<VideoId, DeadlineState>> {
    const states = new Map<VideoId, DeadlineState>()
    for (const event of await this.#context.ledger.events(EVENTS_READ))
      for (const [code, state] of EVENTS_OF) if (event.video && isEvent(event, code)) states.set(event.video, state)
    return states
  }
}

/** Whether the order is another than that of the submits: some video has a deadline or another key, or there are several submitters. */
const isOrdered = (open: readonly Video[]): boolean =>
  open.some((video) => video.deadline !== null || placeOf(video.due, video.created_at).band !== 'rest') ||
  new Set(open.map(submitterOf)).size > 1

/** The peer at which it was submitted. */
const submitterOf = ({ deliveries, source }: Video): string => deliveries[0]?.peer ?? source.holders[0] ?? ''

/** The mean of what is known, mesh seconds: an estimate for a video whose length is not read or not known yet. */
function typicalWork(works: readonly VideoWork[]): number {
  const known = works.filter(({ work_s }) => Number.isFinite(work_s) && work_s > 0)
  return known.length === 0 ? 1 : known.reduce((sum, { work_s }) => sum + work_s, 0) / known.length
}

function placed(
  video: Video,
  length: Length | undefined,
): Pick<OpenVideo, 'id' | 'submitter' | 'priority' | 'place' | 'deadline'> {
  const { _id, priority, deadline, created_at } = video
  const place = created_at + Math.round((length?.seconds ?? 0) * 1000)
  return { id: _id, submitter: submitterOf(video), priority, place, deadline }
}

const waits = ({ plan }: Video, counts: Counts): boolean =>
  plan === null || counts.some(({ status }) => status === 'PENDING')

function isWorthWriting(now: number, { due }: Video, key: number): boolean {
  const change = Math.abs(key - due)
  if (change > BAND_MS / 2) return true
  const away = Math.abs(placeOf(key, now).place - now)
  return change > Math.max(REWRITE.ms, REWRITE.share * away)
}

/** Whether people would read something else. */
function isNews(now: number, before: Forecasts, next: Forecasts): boolean {
  if (before.videos.size !== next.videos.size || before.like !== next.like) return true
  return [...next.videos].some(([id, { done_at, more }]) => {
    const was = before.videos.get(id)
    if (!was || was.more !== more || (was.done_at === null) !== (done_at === null)) return true
    return Math.abs((was.done_at ?? 0) - (done_at ?? 0)) > Math.max(NEWS_MS, Math.abs((done_at ?? 0) - now) / 20)
  })
}
