/**
 * A video in the ledger, and every change it may go through.
 *
 * | from                     | event          | to        | who, and the compare                                          |
 * |--------------------------|----------------|-----------|---------------------------------------------------------------|
 * | (none)                   | submit         | QUEUED    | any peer; an existing one gains a delivery, an ended one is retried |
 * | QUEUED                   | ingest claimed | PLANNING  | the ingest attempt                                            |
 * | QUEUED, PLANNING         | plan committed | RUNNING   | `plan: null`; the loser uses the winner's plan                 |
 * | RUNNING                  | all tasks done | MERGING   | newest term                                                    |
 * | MERGING                  | merged         | COMPLETED | newest term; outputs copied from the task                      |
 * | COMPLETED                | result lost    | MERGING   | newest term; a result has no holder and a delivery is open     |
 * | open                     | priority       | (same)    | any peer                                                       |
 * | open                     | deadline       | (same)    | any peer                                                       |
 * | open                     | order          | (same)    | newest term                                                    |
 * | open                     | cancel         | CANCELLED | any peer                                                       |
 * | open                     | fail           | FAILED    | newest term; any peer that reads an unfit document of it       |
 * | FAILED, CANCELLED        | retry          | RUNNING if there is a plan, else QUEUED | any peer                         |
 *
 * A retry after an unfit document of its plan or tasks drops both, and makes it QUEUED.
 */
import type { Artifact } from './artifact.ts'
import type { HeldBlob } from './blobs.ts'
import type { PeerId, Sha256, VideoId } from './ids.ts'
import type { Recipe } from './recipe.ts'
import type { SharedPlace, SharedSource } from './shared-folder.ts'
import { OPEN_STATUSES, type VideoStatus } from './video-status.ts'

export { isOpen, OPEN_STATUSES, VIDEO_STATUSES, type VideoStatus } from './video-status.ts'

/** A transition of a video: the second column of the table above. */
export type VideoEvent =
  | 'ingest_claimed'
  | 'plan_committed'
  | 'tasks_done'
  | 'merged'
  | 'result_lost'
  | 'priority'
  | 'deadline'
  | 'order'
  | 'cancel'
  | 'fail'
  | 'retry'

/** The table above as data; adapters and the reference model are tested against it. `retry` goes to QUEUED without a plan. */
export const VIDEO_TRANSITIONS: readonly {
  from: readonly VideoStatus[]
  event: VideoEvent
  to: VideoStatus | 'same'
}[] = [
  { from: ['QUEUED'], event: 'ingest_claimed', to: 'PLANNING' },
  { from: ['QUEUED', 'PLANNING'], event: 'plan_committed', to: 'RUNNING' },
  { from: ['RUNNING'], event: 'tasks_done', to: 'MERGING' },
  { from: ['MERGING'], event: 'merged', to: 'COMPLETED' },
  { from: ['COMPLETED'], event: 'result_lost', to: 'MERGING' },
  { from: OPEN_STATUSES, event: 'priority', to: 'same' },
  { from: OPEN_STATUSES, event: 'deadline', to: 'same' },
  { from: OPEN_STATUSES, event: 'order', to: 'same' },
  { from: OPEN_STATUSES, event: 'cancel', to: 'CANCELLED' },
  { from: OPEN_STATUSES, event: 'fail', to: 'FAILED' },
  { from: ['FAILED', 'CANCELLED'], event: 'retry', to: 'RUNNING' },
]

/** Whether at least one delivery is open. */
export const isUndelivered = ({ deliveries }: { readonly deliveries: readonly Pick<Delivery, 'done_at'>[] }): boolean =>
  deliveries.some(({ done_at }) => done_at === null)

/** Whether it is COMPLETED and at least one delivery is open: a video that ended otherwise has no files. */
export const isAwaitingDelivery = (video: Parameters<typeof isUndelivered>[0] & Pick<Video, 'status'>): boolean =>
  video.status === 'COMPLETED' && isUndelivered(video)

/** A folder in which a peer wants the artifacts, each at its own path with this `name`, which is final before the first rename. */
export interface Delivery {
  peer: PeerId
  dir: string
  name: string
  /** Ledger time, ms; null while open. */
  done_at: number | null
  /** Where the folder is below a shared one: any peer that sees that one delivers. Absent: only `peer` does. */
  shared?: SharedPlace
  /** Permission bits that the files have at most: those of the source that was submitted. Absent: as the umask says. */
  mode?: number
  /** The term of the `deliver` lease of the peer that last worked on it: a lower one writes no more. */
  term?: number
}

/** A delivery as it is asked for. */
export type NewDelivery = Omit<Delivery, 'done_at' | 'term'>

/** Whether two deliveries go to one folder: of one peer, or at one place of a shared folder. */
export const isSamePlace = (a: NewDelivery, b: NewDelivery): boolean =>
  (a.peer === b.peer && a.dir === b.dir) ||
  (a.shared !== undefined && a.shared.folder === b.shared?.folder && a.shared.path === b.shared.path)

/** The place of a video in the order of submits: by `created_at` (ms since 1970), then by id. It never changes. */
export type VideoPlace = Pick<Video, 'created_at' | '_id'>

/** A query for videos: all conditions that are there hold. `limit`: number of results, the newest. */
export interface VideoQuery {
  readonly ids?: readonly VideoId[]
  readonly statuses?: readonly VideoStatus[]
  /** A place: only videos that were submitted before the one there. */
  readonly before?: VideoPlace | undefined
  /** A time, ms since 1970: only videos that were submitted then or later. */
  readonly since?: number | undefined
  readonly limit?: number
}

/** What identifies a delivery. `term`: of the caller's lease; it matches only where no higher term is written, and is written. */
export type DeliveryKey = Pick<Delivery, 'peer' | 'dir' | 'name' | 'term'>

/** The source of a video. */
export interface VideoSource extends HeldBlob {
  /** Where it lies in a shared folder: a peer that sees the same file there becomes a holder. */
  shared?: SharedSource
}

/** A video as the ledger stores it. Times are ms since 1970 by the ledger's clock. */
export interface Video {
  _id: VideoId
  /** The name for people: the source's file name without its ending. */
  name: string
  created_at: number
  /** Key of the order of claims (claim-order.ts), ms since 1970: tasks are claimed by priority, then due. */
  due: number
  /** Ms since 1970; null without one. */
  deadline: number | null
  /** An integer; tasks of the highest number are claimed first. */
  priority: number
  recipe: Recipe
  source: VideoSource
  status: VideoStatus
  plan: { sha256: Sha256; tasks: number } | null
  /** The results, when COMPLETED. */
  outputs: Artifact[]
  deliveries: Delivery[]
  /** Endpoints that get the webhooks of this video, beside those of the configuration. */
  webhooks: string[]
  /** One sentence for people, when FAILED. */
  failure: string | null
  /** When it became COMPLETED, FAILED or CANCELLED; null before. */
  ended_at: number | null
  coordinator_term: number
}
