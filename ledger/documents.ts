/**
 * New documents of the ledger, and the rules about values that both adapters and the sweep follow. Pure; the ledger fills in times (`at`).
 */
import { createHash } from 'node:crypto'
import { firstKey } from '../protocol/claim-order.ts'
import { SourceRefused } from '../protocol/errors.ts'
import { asSha256, isVideoId, type Sha256, type VideoId } from '../protocol/ids.ts'
import type { Submission } from '../protocol/ledger.ts'
import { FAILURE_MESSAGE_BYTES, HOLDERS_MAX, PLAN_BYTES_MAX } from '../protocol/limits.ts'
import type { Plan } from '../protocol/plan.ts'
import type { Delivery, Video } from '../protocol/video.ts'

/** A submitted video as it is first inserted: QUEUED, without a plan. `at`: ledger time, ms. */
export function newVideo(submission: Submission, at: number): Video {
  const { _id, name, recipe, priority, deadline, source, webhooks = [] } = submission
  return {
    _id,
    name: plainText(name, FAILURE_MESSAGE_BYTES),
    created_at: at,
    due: firstKey(at, deadline),
    deadline,
    priority,
    recipe,
    source: { ...source, holders: source.holders.slice(-HOLDERS_MAX) },
    status: 'QUEUED',
    plan: null,
    outputs: [],
    deliveries: openDelivery(submission) ?? [],
    webhooks: [...webhooks],
    failure: null,
    ended_at: null,
    coordinator_term: 0,
  }
}

function openDelivery({ delivery }: Submission): Delivery[] | null {
  return delivery && [{ ...delivery, done_at: null }]
}

/** The name of a delivery whose wanted name other bytes have. */
export const ownName = (id: VideoId, name: string): string => `${name}-${id}`

/**
 * Names that a delivery submitted as `name` may have: where other bytes had the name, it became `<name>-<video id>`, and a repeated submit must
 * find that one.
 */
export const deliveryNames = (id: VideoId, name: string): string[] => [name, ownName(id, name)]

/** A plan's name: the sha256 of its JSON. Throws `SourceRefused` for a plan of more than `PLAN_BYTES_MAX`, which no document could hold. */
export function planSha256(plan: Plan): Sha256 {
  const json = JSON.stringify(plan)
  const bytes = Buffer.byteLength(json)
  if (bytes > PLAN_BYTES_MAX) {
    throw new SourceRefused(
      `the plan of video ${plan.video_id} takes ${bytes} bytes, more than the ${PLAN_BYTES_MAX} a ledger document may hold`,
    )
  }
  return asSha256(createHash('sha256').update(json).digest('hex'))
}

/** The videos of these tasks, each once. An id of another form, which no peer wrote, has none. */
export const videosOf = (tasks: readonly string[]): VideoId[] => [
  ...new Set(tasks.map((task) => task.slice(0, 16)).filter(isVideoId)),
]

/** Well-formed text of at most `bytesMax` UTF-8 bytes: its end, where ffmpeg names the cause. */
export function plainText(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text.toWellFormed())
  if (bytes.byteLength <= bytesMax) return bytes.toString()
  let from = bytes.byteLength - bytesMax
  while (from < bytes.byteLength && (bytes[from]! & 0xc0) === 0x80) from++
  return bytes.subarray(from).toString()
}
