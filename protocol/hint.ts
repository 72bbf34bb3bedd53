/**
 * Work hints: something in the ledger changed and is worth a look. They make things faster and never decide: the code
 * stays right when every one is lost, doubled, late or false.
 */
import { z } from 'zod'
import { type Decoded, decodeMessage } from './heartbeat.ts'
import { isPeerId, isTaskId, isVideoId, type PeerId, type TaskId, type VideoId } from './ids.ts'

/** Every kind of hint. */
export const HINT_KINDS = ['tasks', 'decided', 'video', 'peers', 'lease', 'copy'] as const

const hintSchema = z.object({
  v: z.literal(1),
  /** `tasks`: some may be claimed; with `peer`, that one has failed at `task`. `decided`: a task ended. `video`: a video changed its state.
   * `peers`: one was paused or resumed. `lease`: it was released; peers that may lead should ask for it. `copy`: `peer` is asked to hold the
   * video's source, or with `task` that task's outputs. */
  what: z.string().min(1).max(32),
  video: z.string().refine(isVideoId).nullable(),
  /** The task that ended: only a peer that runs another attempt at it reads the ledger. */
  task: z.string().refine(isTaskId).nullable().optional(),
  peer: z.string().refine(isPeerId).optional(),
})
/** A hint as peers exchange it. */
export type Hint = {
  readonly v: 1
  readonly what: (typeof HINT_KINDS)[number]
  readonly video: VideoId | null
  readonly task?: TaskId | null
  readonly peer?: PeerId
}

/** A hint as the JSON that gossip carries. */
export const encodeHint = (hint: Hint): Uint8Array => new TextEncoder().encode(JSON.stringify(hint))
/** A hint of another peer. One of an unknown kind is ignored; hostile bytes are rejected, never thrown on. */
export function decodeHint(data: Uint8Array): Decoded<Hint> {
  const decoded = decodeMessage(data, hintSchema)
  const isKnown = decoded.verdict !== 'accept' || (HINT_KINDS as readonly string[]).includes(decoded.message.what)
  return isKnown ? (decoded as Decoded<Hint>) : { verdict: 'ignore', why: 'a hint of a newer version' }
}
