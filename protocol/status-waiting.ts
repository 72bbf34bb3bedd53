/** What `status` says of a video that waits, as schemas: a failed task, and why there is no progress. */
import { z } from 'zod'
import type { PeerId, TaskId } from './ids.ts'

/** A string with a type of the program. Answers are made by this program, so that the form is not checked. */
export const named = <T extends string>(description: string) =>
  z.string().describe(description) as unknown as z.ZodType<T, T> & z.ZodString

/** The id of a peer. */
export const peerId = named<PeerId>('id of a peer, as libp2p prints it')
/** A time in ms since 1970. */
export const milliseconds = (description: string) => z.number().describe(description)

/** A task that failed and waits for its next attempt. */
export const waitingSchema = z
  .object({
    task: named<TaskId>('the task'),
    code: z.string().describe('code of its last failure, such as `encode_failed`'),
    reason: z.string().describe('its last failure, one sentence'),
    worker: peerId.describe('the peer that had it'),
    attempts: z.number().describe('attempts at the task so far'),
    next_try_at: milliseconds('when it may be tried again, by the clock of the ledger: then by the next free worker'),
    text: z.string().describe('the same for people'),
  })
  .meta({ id: 'Waiting', description: 'A task that failed and waits for its next attempt.' })

/** The codes of `still`. */
const STILL_CODES = [
  'source_absent',
  'input_absent',
  'input_slow',
  'result_absent',
  'no_capable_peer',
  'no_peer_takes_work',
  'no_leader',
  'queued',
  'retry',
  'worker_absent',
  'working',
  'replica_wanted',
  'audit_waits',
  'next_step',
  'delivery_absent',
  'delivery_failed',
  'unknown',
] as const

/** Why a video makes no progress. */
export const stillSchema = z
  .object({
    code: z.enum(STILL_CODES).describe(`one of ${STILL_CODES.map((code) => `\`${code}\``).join(', ')}`),
    peers: z.array(peerId).readonly().describe('the peers that are missing or stand in the way, if any'),
    since: milliseconds('since when there was no progress, by the clock of the ledger, as the answering peer saw it'),
    text: z.string().describe('the reason as a sentence: who or what is missing, since when, and what would help'),
  })
  .meta({ id: 'Still', description: 'Why a video that is open or undelivered makes no progress.' })

/** Why a video makes no progress, as `status` shows it. */
export type StillRow = z.infer<typeof stillSchema>
