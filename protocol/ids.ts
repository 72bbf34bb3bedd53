/**
 * Names of things, as branded strings, so that a peer id cannot be passed where a blob's hash is meant.
 *
 * Task ids are deterministic (`<video>/<rendition or kind>/<00042>`): inserting a task twice is harmless.
 */
import { createHash } from 'node:crypto'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** First 16 hex digits of sha256(source sha256 + canonical recipe): the same bytes and recipe are the same video. */
export type VideoId = Branded<'VideoId'>
/** A task's id: `<video_id>/<rendition id or kind>/<00042>`; of an audit `<video_id>/audit1:<rendition id>/<00042>`. */
export type TaskId = Branded<'TaskId'>
/** A libp2p peer id in its usual text form, such as `12D3KooW…`. */
export type PeerId = Branded<'PeerId'>
/** 64 lower-case hex digits: the hash of a blob, which is its name. */
export type Sha256 = Branded<'Sha256'>
/** Random id of a claim, made by the worker before it asks: with it the worker finds its claim when the reply is lost. */
export type Token = Branded<'Token'>

const SHA256 = /^[0-9a-f]{64}$/
const VIDEO_ID = /^[0-9a-f]{16}$/
/** Id of a rendition or a kind, also of a newer version; the middle part of a task id. */
const PART_NAME = /^[a-z0-9][a-z0-9.-]{0,31}$/
const TASK_ID = /^[0-9a-f]{16}\/(?:audit\d:)?[a-z0-9][a-z0-9.-]{0,31}\/\d{5}$/
/** Base58 text of an identity multihash (Ed25519) or a sha256 multihash (RSA): what libp2p prints. */
const PEER_ID = /^(12D3KooW|Qm|16Uiu2)[1-9A-HJ-NP-Za-km-z]{38,46}$/

/** Whether a text of unknown origin is 64 lower-case hex digits. */
export const isSha256 = (text: string): text is Sha256 => SHA256.test(text)
/** Whether a text of unknown origin has the form of a video id. */
export const isVideoId = (text: string): text is VideoId => VIDEO_ID.test(text)
/** Whether a text of unknown origin has the form of a task id. */
export const isTaskId = (text: string): text is TaskId => TASK_ID.test(text)
/** Whether a text has the form of a rendition id, which a task kind has too: see `isRenditionId`. */
export const isPartName = (text: string): boolean => PART_NAME.test(text)
/** Whether a text of unknown origin has the form of a libp2p peer id. */
export const isPeerId = (text: string): text is PeerId => PEER_ID.test(text)

/** Types a text as a peer id without a check: only for values of this process or the ledger. Hostile input goes through the `is…` guards. */
export const asPeerId = (text: string): PeerId => text as PeerId
/** Types a text as a token without a check: only for values of this process or the ledger. */
export const asToken = (text: string): Token => text as Token
/** Types a text as a sha256. Throws `TypeError` where it is not 64 lower-case hex digits. */
export const asSha256 = (text: string): Sha256 => {
  if (!isSha256(text)) throw new TypeError(`not a sha256: ${text.slice(0, 80)}`)
  return text
}

/** The id of the video that these source bytes and this canonical recipe (see `recipe.ts`) make. */
export function videoId(source: Sha256, canonicalRecipe: string): VideoId {
  return createHash('sha256').update(source).update(canonicalRecipe).digest('hex').slice(0, 16) as VideoId
}

/**
 * The id of a task. `part` is the rendition's id for a task of a chunk, else the kind; `chunkId` starts at 0, at most 99,999. Throws
 * `RangeError` for another number.
 */
export function taskId(video: VideoId, part: string, chunkId = 0): TaskId {
  if (!Number.isInteger(chunkId) || chunkId < 0 || chunkId > 99_999) throw new RangeError(`chunk number ${chunkId}`)
  return `${video}/${part}/${String(chunkId).padStart(5, '0')}` as TaskId
}

/** The id of an audit of a task of a chunk: inserting one twice is harmless. `n`: its number, from 1. A rendition id has no colon. */
export const auditId = (task: TaskId, n: number): TaskId =>
  `${videoOf(task)}/audit${n}:${partOf(task)}/${task.slice(-5)}` as TaskId

/** The video that a task belongs to. */
export const videoOf = (task: TaskId): VideoId => task.slice(0, 16) as VideoId

/** The rendition of a task of a chunk, with `audit1:` before it of an audit; else its kind. */
export const partOf = (task: TaskId): string => task.slice(17, -6)

/** The chunk that a task belongs to, as `<video_id>/<00042>`. A peer runs its attempts at one chunk in one ffmpeg. */
export const chunkOf = (task: TaskId): string => `${videoOf(task)}/${task.slice(-5)}`
