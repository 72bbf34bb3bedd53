/**
 * The values that documents of the ledger are made of. Documents are input: whoever can write to the database may have written them. What
 * reaches a command, a path or a message is bounded here. Words of a newer peer (a kind, a codec, a code) only have to look like one.
 */
import { isPartName, isSha256, isTaskId, isVideoId } from '../../protocol/ids.ts'
import { isSharedPath } from '../../protocol/shared-folder.ts'
import type { SoundPartFacts } from '../../protocol/sound-part.ts'
import { webhookUrlProblem } from '../../protocol/webhook-url.ts'
import { type Check, type Fields, guard, list, object, optional, textLike, textWhere } from './check.ts'

/** Most documents or texts of a list, unless it is shorter by its meaning. */
export const LIST_MAX = 10_000
/** Longest path of Linux, and longest text for people. */
const TEXT_MAX = 4096

export const integer = guard(Number.isSafeInteger, ' is no integer')
/** An integer, or what is halfway between two. */
export const halfInteger = guard((value) => Number.isSafeInteger(2 * (value as number)), ' is no half of an integer')
const integerFrom = (least: number, most: number): Check =>
  guard(
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    ` is no integer from ${least} to ${most}`,
  )
export const countTo = (most: number): Check => integerFrom(0, most)
export const count = countTo(Number.MAX_SAFE_INTEGER)
export const positiveTo = (most: number): Check => integerFrom(1, most)
export const positive = positiveTo(Number.MAX_SAFE_INTEGER)
/** A number that may have a fraction, but is not negative. */
export const finite = guard((value) => Number.isFinite(value) && (value as number) >= 0, ' is no number')
export const flag = guard((value) => typeof value === 'boolean', ' is no boolean')

export const text = textWhere(({ length }) => length <= TEXT_MAX, ' is no text, or too long')
/** A name of ffmpeg, of a kind or of a code. */
export const word = textLike(/^[\w.+-]{0,64}$/, ' is no word')
/** The class of a task: capability.ts. */
export const taskClass = textLike(/^[\w.+>/-]{1,200}$/, ' is no class')

export const videoId = textWhere(isVideoId, ' is no id of a video')
export const sha256 = textWhere(isSha256, ' is no sha256')
export const taskId = textWhere(isTaskId, ' is no id of a task')
export const partName = textWhere(isPartName, ' is no name of a rendition or kind')
/** Letters and digits, as every form of a peer id has them; what identity it is, libp2p says. */
export const peerId = textLike(/^[A-Za-z0-9]{1,64}$/, ' is no id of a peer')
export const token = textLike(/^.{1,100}$/s, ' is no token')

/** `1/15360`, both positive. */
export const timeBase = textLike(/^[1-9]\d{0,14}\/[1-9]\d{0,14}$/, ' is no time base')
const pair = list(positive, 2)
/** `[numerator, denominator]`, both positive. */
export const rational: Check = (value) => pair(value) ?? ((value as unknown[]).length === 2 ? null : ' is no fraction')

/** The fields of every blob. */
export const heldBlob = { sha256, bytes: count, holders: list(peerId, 64) }

/** Most segments of a part of sound, and most parts and tracks: far more than any film has. */
const SEGMENTS_MAX = 10_000
const soundPart = object({
  track: positiveTo(SEGMENTS_MAX),
  part: positiveTo(SEGMENTS_MAX),
  codecs: word,
  timescale: positive,
  init: count,
  start: count,
  // Two positive numbers each, as a rational has.
  segments: list(rational, SEGMENTS_MAX),
} satisfies Fields<SoundPartFacts>)

/** `pathFor` (artifact.ts) checks the parts of the path again, before a file is named so. */
export const artifact = object({
  ...heldBlob,
  path: textLike(/^(?!\.)[A-Za-z0-9._{}-]{1,128}(?:\/(?!\.)[A-Za-z0-9._{}-]{1,128}){0,7}$/, ' leads out of its folder'),
  media_type: textLike(/^[\w.+/; =-]{1,128}$/, ' is no media type'),
  is_folder: optional(flag),
  sound: optional(soundPart),
})

const isPath = (path: string): boolean => path.length <= TEXT_MAX && !path.includes('\0')
/** A relative path without `..`: where a file belongs below a folder. */
export const relativePath = textWhere(
  (path) => isPath(path) && path.split('/').every((part) => !['', '.', '..'].includes(part)),
  ' leads out of its folder',
)
/** A place in a shared folder: '' is the folder itself. */
export const sharedPath = textWhere((path) => isPath(path) && isSharedPath(path), ' leads out of its folder')
/** A path of the peer that wrote it. Others never open it. */
export const absolutePath = textWhere((path) => isPath(path) && path.startsWith('/'), ' is no absolute path')
/** An endpoint of webhooks: where it leads to is checked when it is used. */
export const webhookUrl = textWhere((url) => webhookUrlProblem(url) === null, ' is no URL of an endpoint')
