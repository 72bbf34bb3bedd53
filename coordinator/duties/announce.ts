/**
 * Emits what nobody else sees happen, or could not say: that a film with a package can be played from its beginning; and, some seconds into a term,
 * that the leader before was lost, and how videos ended of which a peer died, or lost its ledger, before it could emit it.
 */
import type { VideoId } from '../../protocol/ids.ts'
import { taskId } from '../../protocol/ids.ts'
import { kindsWhere } from '../../protocol/kinds.ts'
import { hasLeft } from '../../protocol/peer-table.ts'
import type { Plan } from '../../protocol/plan.ts'
import { soundsOf } from '../../protocol/sound-plan.ts'
import type { Task } from '../../protocol/task.ts'
import type { Video, VideoStatus } from '../../protocol/video.ts'
import type { Duty, TermContext } from '../duty.ts'
import type { VideoReader } from '../open-videos.ts'
import { mayBeListed } from '../policy/may-be-listed.ts'

/** The parts of the term that this duty uses. */
export type AnnounceContext = Pick<
  TermContext,
  'self' | 'ledger' | 'clock' | 'emit' | 'peers' | 'suspicions' | 'openVideos'
>

/** Time between two looks, ms. */
const LOOK_MS = 1_000
/** When a term looks for what was not emitted before it, ms: an earlier leader that lives has emitted it by then. */
const MISSED_AFTER_MS = 5_000
/** How long before the look it happened, ms. */
const MISSED_WITHIN_MS = 600_000
/** Videos that ended, and events about them, that are read for that: the newest. */
const [ENDED_READ, EVENTS_READ] = [100, 1_000]
/** How much earlier than the end of a video its event may be dated, ms: another member of a replica set may have dated it. */
const CLOCKS_APART_MS = 2_000
const ENDS = { COMPLETED: 'completed', FAILED: 'failed', CANCELLED: 'cancelled' } as const
const ENDED = Object.keys(ENDS) as (keyof typeof ENDS & VideoStatus)[]
const BEGUN: readonly VideoStatus[] = ['RUNNING', 'MERGING']

/** The duty that announces, for one term. */
export function createAnnounce(context: AnnounceContext): Duty {
  const announcer = new Announcer(context)
  return { name: 'announce', round: () => announcer.round() }
}

class Announcer {
  readonly #context: AnnounceContext
  readonly #videos: VideoReader
  readonly #began: number
  #lookedAt = Number.NEGATIVE_INFINITY
  #hasLookedBack = false
  /** Videos that were announced as playable. */
  readonly #announced = new Set<VideoId>()
  /** Plans of those that were not. */
  readonly #plans = new Map<VideoId, Plan>()

  constructor(context: AnnounceContext) {
    this.#context = context
    this.#videos = context.openVideos.reader()
    this.#began = context.clock.mono()
  }

  async round(): Promise<void> {
    const { clock } = this.#context
    if (clock.mono() - this.#lookedAt < LOOK_MS) return
    this.#lookedAt = clock.mono()
    await this.#videos.look(this.#plans.keys(), async ({ videos, isAll }) => {
      if (isAll) this.#forgetAllBut(new Set(videos.map(({ _id }) => _id)))
      for (const video of videos)
        if (video.recipe.package && BEGUN.includes(video.status) && !this.#announced.has(video._id))
          await this.#announce(video)
    })
    if (this.#hasLookedBack || clock.mono() - this.#began < MISSED_AFTER_MS) return
    await this.#emitMissedEnds()
    await this.#emitLostLeader()
    this.#hasLookedBack = true
  }

  #forgetAllBut(open: ReadonlySet<VideoId>): void {
    for (const known of [this.#announced, this.#plans])
      for (const id of known.keys()) if (!open.has(id)) known.delete(id)
  }

  async #announce({ _id, name, plan: named }: Video): Promise<void> {
    const { ledger, emit } = this.#context
    const plan = this.#plans.get(_id) ?? (named && (await ledger.plan(_id, named.sha256)))
    if (!plan) return
    if (!this.#plans.has(_id) && (await ledger.events(1, { video: _id, what: ['playable'] })).length > 0) {
      this.#announced.add(_id)
      return
    }
    this.#plans.set(_id, plan)
    if (!(await this.#isPlayable(plan))) return
    this.#announced.add(_id)
    this.#plans.delete(_id)
    await emit({ code: 'playable', video: _id, name })
  }

  /** Whether the beginning of every track may be listed, as manifests do it. */
  async #isPlayable(plan: Plan): Promise<boolean> {
    const { ledger } = this.#context
    const [now, members] = [await ledger.now(), await ledger.members()]
    for (const { id } of plan.renditions) {
      const first = await ledger.task(taskId(plan.video_id, id, 0))
      if (!first || !mayBeListed(first, { now, isAlone: members.length <= 1 })) return false
    }
    const sounds = soundsOf(plan).length
    if (sounds === 0) return true
    const tasks = kindsWhere(({ outputs }) => outputs === 'parts').map((kind) => taskId(plan.video_id, kind))
    const made = await Promise.all(tasks.map((id) => ledger.task(id)))
    return made.some((task) => task !== null && isHeard(task, sounds))
  }

  async #emitMissedEnds(): Promise<void> {
    const { self, ledger, emit } = this.#context
    const since = (await ledger.now()) - MISSED_WITHIN_MS
    const ended = await ledger.videos({ statuses: ENDED, limit: ENDED_READ })
    const late = ended.filter(({ ended_at }) => (ended_at ?? 0) > since)
    if (late.length === 0) return
    const events = await ledger.events(EVENTS_READ, { what: Object.values(ENDS), since: since - CLOCKS_APART_MS })
    for (const { _id: video, name, status, failure, ended_at } of late) {
      const code = ENDS[status as keyof typeof ENDS]
      if (events.some((each) => each.video === video && each.at >= ended_at! - CLOCKS_APART_MS)) continue
      await emit(
        code === 'failed' ? { code, peer: self, video, failure: failure ?? name } : { code, peer: self, video, name },
      )
    }
  }

  /** Peers that this one lost in the term before: only the leader of a term emits, and that may be the one that was lost. */
  async #emitLostLeader(): Promise<void> {
    const { ledger, clock, emit, peers, suspicions } = this.#context
    const lost = peers.all().filter((heard) => {
      const silentMs = clock.mono() - heard.heard_mono
      return suspicions.sawLost(heard.peer) !== null && !hasLeft(heard) && silentMs < MISSED_WITHIN_MS
    })
    if (lost.length === 0) return
    const since = (await ledger.now()) - MISSED_WITHIN_MS
    const known = await ledger.events(EVENTS_READ, { what: ['peer_lost'], since })
    for (const { peer, beat } of lost.filter((each) => !known.some((event) => event.peer === each.peer)))
      await emit({ code: 'peer_lost', peer, name: beat.name || peer, reason: 'its connection closed' })
  }
}

/** Whether the beginning of so many tracks of sound is encoded. */
const isHeard = ({ status, outputs }: Task, sounds: number): boolean =>
  status === 'COMPLETED' || new Set(outputs.flatMap(({ sound }) => sound?.track ?? [])).size >= sounds
