/**
 * The events of stillness: while this peer leads it looks at the videos that are open or undelivered, and emits `still` or `waits` when one stands
 * still, again when the reason is another, and `moves` when it makes progress again. Where nobody leads, the peer with the first id does. What an
 * earlier one emitted is read from the ledger once. A time in which the ledger did not answer is an event afterwards.
 */
import type { Clock } from '../../protocol/clock.ts'
import type { Emit } from '../../protocol/emitter.ts'
import { isEvent } from '../../protocol/events.ts'
import type { PeerId, VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { SILENCE_MS } from '../../protocol/limits.ts'
import { createPace, type Pace } from '../../protocol/pace.ts'
import type { StillRow } from '../../protocol/status-waiting.ts'
import type { LedgerWatch } from './ledger-watch.ts'
import type { StillVideo } from './video-stillness.ts'

/** The parts that the events are made from. */
export interface StillEventsOptions {
  readonly self: PeerId
  readonly ledger: Pick<Ledger, 'events' | 'now' | 'lease'>
  readonly clock: Pick<Clock, 'mono'>
  readonly ledgerWatch: Pick<LedgerWatch, 'outage'>
  readonly emit: Emit
  leads(): boolean
  /** Whether no present peer has an id before this one's. */
  isFirst(): boolean
  /** The videos that are open or undelivered, and why each makes no progress. */
  stillness(): Promise<readonly StillVideo[]>
}

/** What is usual: a long queue, or a long step. */
const USUAL: ReadonlySet<StillRow['code']> = new Set(['queued', 'working'])
/** Events in which those of an earlier peer are looked for. */
const EVENTS_READ = 500
/** Time after an outage in which it is said: a leader is elected meanwhile. */
const OUTAGE_SAID_MS = 60_000

/** Shortest time between two looks while few videos are open: each video publishes several hints. */
const LOOK_MS = 1_000

interface Emitted {
  readonly why: string
  readonly since: number
  /** Whether an event named it, so that another says when it moves. */
  readonly isNamed: boolean
}

/** Makes one round: it looks, and emits. It rejects with `LedgerUnavailable`. */
export function createStillEvents(options: StillEventsOptions): () => Promise<void> {
  const events = new StillEvents(options)
  return () => events.round()
}

class StillEvents {
  readonly #options: StillEventsOptions
  readonly #pace: Pace
  /** The reasons that were emitted, by video; null where another peer emits them. */
  #emitted: Map<VideoId, Emitted> | null = null
  #saidOutageAt = Number.NEGATIVE_INFINITY

  constructor(options: StillEventsOptions) {
    this.#options = options
    this.#pace = createPace(options.clock, SILENCE_MS, LOOK_MS)
  }

  async round(): Promise<void> {
    const { ledger, stillness } = this.#options
    if (!(await this.#isMine())) {
      this.#emitted = null
      return
    }
    this.#emitted ??= await emittedBefore(ledger)
    await this.#sayOutage()
    if (!this.#pace.isDue()) return
    const [emitted, rows] = [this.#emitted, await stillness()]
    this.#pace.looked(rows.length)
    const ids = new Set(rows.map(({ id }) => id))
    for (const video of emitted.keys()) if (!ids.has(video)) emitted.delete(video)
    const queued: StillVideo[] = []
    for (const row of rows)
      if (isNewReason(row, emitted.get(row.id)) && row.still?.code === 'queued') queued.push(row)
      else await this.#look(row, emitted)
    await this.#sayQueued(queued, emitted)
  }

  async #isMine(): Promise<boolean> {
    const { leads, isFirst, ledger } = this.#options
    if (leads() || !isFirst()) return leads()
    const { holder, remaining_ms } = await ledger.lease()
    return holder === null || remaining_ms <= 0
  }

  async #look(row: StillVideo, emitted: Map<VideoId, Emitted>): Promise<void> {
    const { id: video, name, still } = row
    const { emit, ledger } = this.#options
    const before = emitted.get(video)
    if (still && isNewReason(row, before)) {
      emitted.set(video, { why: whyOf(still), since: before?.since ?? still.since, isNamed: true })
      if (USUAL.has(still.code)) await emit({ code: 'waits', video, name, more: 0, reason: still.text })
      else await emit({ code: 'still', video, name, reason: still.text })
    } else if (!still && before) {
      emitted.delete(video)
      if (before.isNamed)
        await emit({ code: 'moves', video, name, ms: Math.max(0, (await ledger.now()) - before.since) })
    }
  }

  /** One event for all that begin to wait in a queue: they may be hundreds. */
  async #sayQueued(queued: readonly StillVideo[], emitted: Map<VideoId, Emitted>): Promise<void> {
    const [first] = queued
    if (!first?.still) return
    for (const { id, still } of queued)
      if (still)
        emitted.set(id, { why: whyOf(still), since: emitted.get(id)?.since ?? still.since, isNamed: id === first.id })
    const { id: video, name, still } = first
    await this.#options.emit({ code: 'waits', video, name, more: queued.length - 1, reason: still.text })
  }

  async #sayOutage(): Promise<void> {
    const { self: peer, ledgerWatch, clock, emit } = this.#options
    const outage = ledgerWatch.outage()
    if (outage === null || outage.at <= this.#saidOutageAt || clock.mono() - outage.at > OUTAGE_SAID_MS) return
    this.#saidOutageAt = outage.at
    await emit({ code: 'ledger_back', peer, ms: outage.ms })
  }
}

const whyOf = ({ code, peers }: StillRow): string => `${code} ${peers.join(' ')}`
const isNewReason = ({ still }: StillVideo, before: Emitted | undefined): boolean =>
  still !== null && whyOf(still) !== before?.why

/** Videos of which the last event says that they stand still. Why is not in it, so that this peer says it once more. */
async function emittedBefore(ledger: Pick<Ledger, 'events'>): Promise<Map<VideoId, Emitted>> {
  const still = new Map<VideoId, Emitted>()
  for (const event of await ledger.events(EVENTS_READ)) {
    if (event.video === null) continue
    if (isEvent(event, 'moves')) still.delete(event.video)
    if ((isEvent(event, 'still') || isEvent(event, 'waits')) && !still.has(event.video))
      still.set(event.video, { why: '', since: event.at, isNamed: true })
  }
  return still
}
