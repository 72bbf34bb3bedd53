/**
 * Checks what a ledger answers: documents are input, as whoever can write to the database may have written them. A document that does not fit
 * its schema is left out, said once in the log, and never thrown on, so that it hides no other; the video that it belongs to is remembered, for
 * `fail-unfit-videos.ts` to fail it with a sentence.
 */
import { createHash } from 'node:crypto'
import { isVideoId, type PeerId, type Sha256, type VideoId } from '../protocol/ids.ts'
import type { KeptRequest } from '../protocol/kept-request.ts'
import type { EngineRecord, Lease, LedgerEvent, ObservedClaim, Outcome, PeerRecord } from '../protocol/ledger.ts'
import type { Log } from '../protocol/log.ts'
import type { Plan } from '../protocol/plan.ts'
import type { Task } from '../protocol/task.ts'
import type { Video } from '../protocol/video.ts'
import type { WebhookDelivery } from '../protocol/webhook-delivery.ts'
import type { Check } from './schemas/check.ts'
import { planSchema } from './schemas/plan.ts'
import {
  engineSchema,
  eventSchema,
  leaseSchema,
  memberSchema,
  peerSchema,
  requestSchema,
  webhookSchema,
} from './schemas/records.ts'
import { countSchema, observedClaimSchema, outcomeSchema, taskSchema } from './schemas/task.ts'
import { videoSchema } from './schemas/video.ts'

/** A video with a document that does not fit: which document, and what is wrong with it, without anything of its content. */
export interface UnfitVideo {
  readonly id: VideoId
  readonly what: string
  readonly why: string
}

/** Documents that are remembered as said, and videos as unfit. Beyond it they are forgotten: a few more lines in the log. */
const REMEMBERED_MAX = 1_000
/** Characters of an id or a reason in the log. */
const SHOWN_MAX = 200

/** Kinds of documents that belong to a video. */
const OF_VIDEOS: ReadonlySet<string> = new Set(['video', 'task', 'claim', 'tasks'])

/** The checks of one ledger handle, with what it has said and found so far. */
export class CheckedDocuments {
  readonly #log: Log
  readonly #said = new Set<string>()
  readonly #unfit = new Map<VideoId, UnfitVideo>()

  constructor(log: Log) {
    this.#log = log
  }

  readonly video = (found: unknown): Video | null => this.#fit<Video>(videoSchema, found, 'video')
  readonly task = (found: unknown): Task | null => this.#fit<Task>(taskSchema, found, 'task')
  readonly outcome = (found: unknown): Outcome | null => this.#fit<Outcome>(outcomeSchema, found, 'task')
  readonly claim = (found: unknown): ObservedClaim | null =>
    this.#fit<ObservedClaim>(observedClaimSchema, found, 'claim')
  readonly count = (found: unknown): boolean => this.#fit(countSchema, found, 'tasks') !== null
  readonly peer = (found: unknown): PeerRecord | null => this.#fit<PeerRecord>(peerSchema, found, 'peer')
  readonly engine = (found: unknown): EngineRecord | null => this.#fit<EngineRecord>(engineSchema, found, 'engine')
  readonly event = (found: unknown): LedgerEvent | null => this.#fit<LedgerEvent>(eventSchema, found, 'event')
  readonly peerId = (found: unknown): PeerId | null => this.#fit<PeerId>(memberSchema, found, 'member')
  readonly request = (found: unknown): KeptRequest | null => this.#fit<KeptRequest>(requestSchema, found, 'request')
  readonly webhook = (found: unknown): WebhookDelivery | null =>
    this.#fit<WebhookDelivery>(webhookSchema, found, 'webhook')
  readonly lease = (found: unknown): Lease | null => this.#fit<Lease>(leaseSchema, found, 'lease')

  /** Those that fit, in their order. */
  all<T>(found: readonly unknown[], check: (one: unknown) => T | null): T[] {
    return found.map(check).filter((one) => one !== null)
  }

  /** The plan of this name: `json` must have the hash `sha256`, and be a plan of this video. */
  plan(json: string, id: VideoId, sha256: Sha256): Plan | null {
    const what = `plan ${id}/${sha256.slice(0, 12)}…`
    const is = createHash('sha256').update(json).digest('hex')
    if (is !== sha256) return this.#refuse(what, { id, why: 'its sha256 is another than its name' })
    const plan: unknown = JSON.parse(json)
    const why = planSchema(plan)
    if (why !== null) return this.#refuse(what, { id, why: why.trim() })
    if ((plan as Plan).video_id !== id) return this.#refuse(what, { id, why: 'it is the plan of another video' })
    return plan as Plan
  }

  /** The videos with an unfit document that was read since the last call. */
  takeUnfit(): UnfitVideo[] {
    const taken = [...this.#unfit.values()]
    this.#unfit.clear()
    return taken
  }

  #fit<T>(schema: Check, found: unknown, kind: string): T | null {
    const why = schema(found)?.trim() ?? null
    if (why === null) return found as T
    const { _id, task = _id, video_id } = (found ?? {}) as Readonly<Record<string, unknown>>
    const id = OF_VIDEOS.has(kind) ? (videoIdIn(task) ?? videoIdIn(video_id)) : null
    return this.#refuse(`${kind} ${shown(task)}`, { id, why })
  }

  #refuse(what: string, { id, why }: { id: VideoId | null; why: string }): null {
    if (this.#said.size >= REMEMBERED_MAX) this.#said.clear()
    if (!this.#said.has(what))
      this.#log.warn('a document of the ledger does not fit and is ignored', { document: what, why })
    this.#said.add(what)
    if (id !== null && this.#unfit.size < REMEMBERED_MAX) this.#unfit.set(id, { id, what, why })
    return null
  }
}

/** The video that a hostile id begins with: that of the video itself, or of one of its tasks. */
function videoIdIn(id: unknown): VideoId | null {
  const start = typeof id === 'string' ? id.slice(0, 16) : ''
  return isVideoId(start) ? start : null
}

/** Hostile text on one line. */
const shown = (text: unknown): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not get into a message
  typeof text === 'string' ? text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, SHOWN_MAX) : '(no id)'
