/** The operations of a node that its interfaces (HTTP API, command line, dashboard) offer. Each one that changes the ledger publishes a hint. */
import type { SubmitAnswer } from '../protocol/api.ts'
import type { AttemptPage, AttemptsQuery } from '../protocol/api-attempts.ts'
import { checkDeadline } from '../protocol/deadline.ts'
import type { Emit } from '../protocol/emitter.ts'
import type { Hints } from '../protocol/hints.ts'
import type { PeerId, VideoId } from '../protocol/ids.ts'
import { recipeOf } from '../protocol/ladder.ts'
import type { Changed, Ledger, PeerRecord } from '../protocol/ledger.ts'
import type { EngineStatus, PeerStatus, StatusSnapshot, TaskRow, VideoDetail, VideoRow } from '../protocol/status.ts'
import type { Video } from '../protocol/video.ts'
import type { Config } from './config.ts'
import { type NamedLadders, namedLadder } from './ladders/named-ladders.ts'
import type { Status } from './status/status.ts'
import type { SubmitRequest, Submitted } from './videos/submit.ts'
import { webhookProblem } from './webhooks/open-webhooks.ts'

/** The operations of a node, for its HTTP API, command line and dashboard. All reject with `LedgerUnavailable`. */
export interface NodeFace {
  readonly self: PeerId
  readonly ledger: Ledger
  snapshot(): Promise<StatusSnapshot>
  /** One video, whether the snapshot shows it or not; null where there is none. */
  video(id: VideoId): Promise<VideoDetail | null>
  /** Rows of these videos, in their order. */
  rows(videos: readonly Video[]): Promise<VideoRow[]>
  /** The peers of the mesh, by name. */
  peers(): Promise<PeerStatus[]>
  /** The engines of the mesh. */
  engines(): Promise<EngineStatus[]>
  /** The tasks of a video in the order of claims; none where there is no such video. */
  tasks(id: VideoId): Promise<TaskRow[]>
  /** A page of the attempts at the tasks of a video. */
  attempts(id: VideoId, query: AttemptsQuery): Promise<AttemptPage>
  /** The ladders of its configuration. */
  readonly ladders: NamedLadders
  /** Why this endpoint of webhooks may not be named here, in a phrase; null where it may. */
  webhookProblem(url: string): string | null
  /** `ladder`: name of one that is made instead of the recipe's renditions, keyframes and sound. Rejects as `createSubmit`. */
  submit(request: SubmitRequest & { readonly ladder?: string | undefined }): Promise<SubmitAnswer>
  act(what: 'cancel' | 'retry' | { priority: number } | { deadline: number | null }, video: VideoId): Promise<Changed>
  /** Pauses, resumes or drains a peer: it reads its record when it gets the hint. */
  setPeer(peer: PeerId, change: Partial<Pick<PeerRecord, 'paused' | 'draining' | 'reason'>>): Promise<void>
}

/** The parts that the operations use. */
export interface FaceModules {
  readonly ledger: Ledger
  readonly hints: Pick<Hints, 'publish'>
  readonly status: Status
  submit(request: SubmitRequest): Promise<Submitted>
  readonly emit: Emit
}

/** The operations of this node. */
export function createFace(
  options: Pick<NodeFace, 'self' | 'ladders'> & Pick<Config, 'webhook_allow_private'>,
  modules: FaceModules,
): NodeFace {
  const { ledger, hints, status, submit, emit } = modules
  return {
    self: options.self,
    ladders: options.ladders,
    webhookProblem: webhookProblem(options),
    ledger,
    snapshot: status.snapshot,
    video: status.video,
    rows: status.rows,
    peers: status.peers,
    engines: status.engines,
    tasks: status.tasks,
    attempts: status.attempts,
    async submit({ ladder, ...request }) {
      const named = ladder === undefined ? null : namedLadder(ladder, options.ladders)
      const recipe = named ? recipeOf(named, request.recipe) : request.recipe
      const { video, outcome } = await submit({ ...request, recipe })
      return { id: video._id, name: video.name, outcome, status: video.status }
    },
    async act(what, video) {
      const result = await change(ledger, what, video)
      if (result === 'changed') hints.publish({ what: 'video', video })
      if (result === 'changed' && what === 'cancel') await emitCancelled(options.self, video, { ledger, emit })
      return result
    },
    async setPeer(peer, change) {
      const ended = change.paused === false ? await endOfQuarantine(ledger, peer) : {}
      await ledger.setPeer(peer, { ...change, ...ended })
      hints.publish({ what: 'peers', video: null })
    },
  }
}

function change(ledger: Ledger, what: Parameters<NodeFace['act']>[0], video: VideoId): Promise<Changed> {
  if (what === 'cancel') return ledger.cancel(video)
  if (what === 'retry') return ledger.retry(video)
  return 'priority' in what ? ledger.setPriority(video, what.priority) : setDeadline(ledger, video, what.deadline)
}

/** Rejects with `UsageError` for a deadline that is farther away than any. */
async function setDeadline(ledger: Ledger, video: VideoId, deadline: number | null): Promise<Changed> {
  if (deadline !== null) checkDeadline(deadline, await ledger.now())
  return await ledger.setDeadline(video, deadline)
}

/** Ends a running quarantine now: a peer that is resumed starts over, and failures before now no longer count. */
async function endOfQuarantine(ledger: Ledger, peer: PeerId): Promise<Partial<PeerRecord>> {
  const [{ quarantined_until }, now] = [await ledger.peer(peer), await ledger.now()]
  return quarantined_until !== null && quarantined_until > now ? { quarantined_until: now, quarantines: 0 } : {}
}

async function emitCancelled(
  peer: PeerId,
  video: VideoId,
  { ledger, emit }: Pick<FaceModules, 'ledger' | 'emit'>,
): Promise<void> {
  // It is cancelled, whatever happens here: a leader emits what nobody did.
  const found = await ledger.video(video).catch(() => null)
  if (found) await emit({ code: 'cancelled', peer, video, name: found.name })
}
