/** The state of the reference model, and the small words that both of its halves use. */

import type { HeldBlob } from '../../blobs.ts'
import type { PeerId, Sha256, TaskId, VideoId } from '../../ids.ts'
import type { Changed, EngineRecord, LeaseName, LedgerEvent, PeerRecord } from '../../ledger.ts'
import { HOLDERS_MAX } from '../../limits.ts'
import type { Plan } from '../../plan.ts'
import type { NewTask, Task, TaskStatus } from '../../task.ts'
import type { Video } from '../../video.ts'
import type { WebhookDelivery } from '../../webhook-delivery.ts'

export interface ModelOptions {
  now: () => number
  claimMs: number
  leaseMs: number
}

export interface ModelLease {
  holder: PeerId | null
  nonce: string
  term: number
  expires_at: number
}

export interface ModelState {
  readonly options: ModelOptions
  readonly videos: Map<VideoId, Video>
  readonly plans: Map<string, Plan>
  readonly tasks: Map<string, Task>
  readonly peers: Map<PeerId, PeerRecord>
  /** When each membership expires. */
  readonly members: Map<PeerId, number>
  readonly engines: Map<string, EngineRecord>
  readonly events: LedgerEvent[]
  readonly leases: Map<LeaseName, ModelLease>
  /** By lease and key. */
  readonly notes: Map<string, { text: string; term: number }>
  readonly webhooks: Map<string, WebhookDelivery>
}

export const copy = <T>(value: T): T => structuredClone(value)
export const changed = (held: boolean): Changed => (held ? 'changed' : 'unchanged')

/** Adds a holder as the newest; false when it is one already. */
export function addHolder(blob: HeldBlob | null, sha256: Sha256, peer: PeerId): boolean {
  if (!blob || blob.sha256 !== sha256 || blob.holders.includes(peer)) return false
  blob.holders = [...blob.holders, peer].slice(-HOLDERS_MAX)
  return true
}

/** Whether one of these peers holds the input of the task; true for one without input. */
export const heldBySome = ({ input }: Pick<Task, 'input'>, peers: readonly PeerId[]): boolean =>
  input === null || input.holders.some((holder) => peers.includes(holder))

/** Changes of tasks that come with a change of their video. */
export interface ModelTaskSteps {
  insert(tasks: readonly NewTask[]): number
  all(video: VideoId): Task[]
  open(video: VideoId): Task[]
  cancel(video: VideoId): number
  revive(video: VideoId, from: readonly TaskStatus[]): number
  lose(id: TaskId, completedAttempt: number | null, term: number): boolean
}
