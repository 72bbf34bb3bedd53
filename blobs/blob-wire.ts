/**
 * `/reelmesh/blob/1` on the wire, and the same on a bulk line. The asker sends one line of JSON and closes its end; the answer is one line, then raw
 * bytes. `length` 0 asks only whether the blob is there.
 *
 *   → {"v":1,"sha256":"…","video":"…","offset":0,"length":null}\n
 *   ← {"v":1,"ok":true,"bytes":5242880,"length":5242880}\n  and `length` bytes from `offset`
 *   ← {"v":1,"ok":false,"why":"missing" | "busy"}\n
 *   ← {"v":1,"ok":false,"why":"changed","name":"film.mp4"}\n   it was a source here, and is another file now
 *
 * Every line is bounded by `HEADER_BYTES_MAX`, every silence by a timer; nothing else is ever served by this protocol.
 */
import { z } from 'zod'
import type { Clock } from '../protocol/clock.ts'
import { PeerUnreachable } from '../protocol/errors.ts'
import { isSha256, isVideoId, type Sha256, type VideoId } from '../protocol/ids.ts'
import { BLOB_BYTES_MAX, HEADER_BYTES_MAX } from '../protocol/limits.ts'

/** Characters of a file's name: file systems allow 255 bytes. */
const NAME_MAX = 255
const size = z.number().int().min(0).max(BLOB_BYTES_MAX)

const requestSchema = z.object({
  v: z.literal(1),
  sha256: z.string().refine(isSha256),
  video: z.string().refine(isVideoId),
  offset: size,
  length: size.nullable(),
  check: z.literal(true).optional(),
  delivered: z.literal(true).optional(),
})
/** A request for a range of one blob. */
export interface BlobRequest {
  readonly v: 1
  readonly sha256: Sha256
  readonly video: VideoId
  /** The first byte wanted, in bytes from the start. */
  readonly offset: number
  /** Number of bytes; null: to the end, 0: only whether the blob is there. */
  readonly length: number | null
  /** What was sent had another hash: the blob is to be verified before the answer. Absent from older peers, which do it as they send. */
  readonly check?: true
  /** The bytes may be those of a file that was delivered. Older peers have no such bytes for others. */
  readonly delivered?: true
}

const answerSchema = z.union([
  z.object({ v: z.literal(1), ok: z.literal(true), bytes: size, length: size }),
  z.object({ v: z.literal(1), ok: z.literal(false), why: z.enum(['missing', 'busy']) }),
  z.object({ v: z.literal(1), ok: z.literal(false), why: z.literal('changed'), name: z.string().max(NAME_MAX) }),
])
/** The header of an answer: the size of the blob and the length that follows (bytes), or why there is none. */
export type BlobAnswer = z.infer<typeof answerSchema>

/** A message as a line of JSON. */
export const encodeLine = (message: BlobRequest | BlobAnswer): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(message)}\n`)

/** A request of a peer; null for any other line. Never throws. */
export const decodeRequest = (line: string) => decode(line, requestSchema) as BlobRequest | null
/** The header of an answer; null for any other line. Never throws. */
export const decodeAnswer = (line: string): BlobAnswer | null => decode(line, answerSchema)

function decode<S extends z.ZodType>(line: string, schema: S): z.infer<S> | null {
  try {
    const parsed = schema.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** The first line of a stream, and what follows it. Throws `PeerUnreachable` when there is no line within the bound. */
export async function readLine(
  source: AsyncIterable<Uint8Array>,
): Promise<{ line: string; rest: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  for (let bytes = 0; bytes <= HEADER_BYTES_MAX; ) {
    const { done, value } = await iterator.next()
    if (done) throw new PeerUnreachable('the stream ended before its header')
    const end = value.indexOf(10)
    if (end < 0) {
      // A piece need not stay as it is once the next one is asked for.
      head.push(Uint8Array.from(value))
      bytes += value.byteLength
      continue
    }
    const line = Buffer.concat([...head, value.subarray(0, end)])
    if (line.byteLength > HEADER_BYTES_MAX) break
    return { line: line.toString('utf8'), rest: following(value.subarray(end + 1), iterator) }
  }
  throw new PeerUnreachable(`the header exceeds ${HEADER_BYTES_MAX} bytes`)
}

async function* following(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.byteLength > 0) yield first
  yield* { [Symbol.asyncIterator]: () => iterator }
}

/** Passes bytes on, and calls `onSilence` when the next piece takes longer than `ms` to come. */
export async function* watchSilence(
  source: AsyncIterable<Uint8Array>,
  { clock, ms, onSilence }: { clock: Clock; ms: number; onSilence: (reason: Error) => void },
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const next = async () => {
    const cancel = clock.timer(ms, () => onSilence(new PeerUnreachable(`no data was received for ${ms} ms`)))
    try {
      return await iterator.next()
    } finally {
      cancel()
    }
  }
  try {
    for (let step = await next(); !step.done; step = await next()) yield step.value
  } finally {
    await iterator.return?.()
  }
}

/** Passes bytes on, and calls `onSilence` when the reader does not ask for the next piece within `ms`. */
export async function* watchReader(
  source: AsyncIterable<Uint8Array>,
  { clock, ms, onSilence }: { clock: Clock; ms: number; onSilence: (reason: Error) => void },
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    const cancel = clock.timer(ms, () => onSilence(new PeerUnreachable(`the reader accepted no data for ${ms} ms`)))
    try {
      yield piece
    } finally {
      cancel()
    }
  }
}
