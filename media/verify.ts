/**
 * Whether a file is what the plan says: pictures, times, signature, tracks. Reads MP4 boxes, starts no process.
 *
 * Times of a chunk are compared by hash: the plan holds one for each chunk, so that a worker without the index knows
 * them all. A chunk may hold fewer pictures than planned only where the decoder itself loses them; that is for the
 * adapter to find out, with the times that this file answers.
 */
import { createHash, type Hash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { asSha256, type Sha256 } from '../protocol/ids.ts'
import type { ChunkPlan, Plan, RenditionPlan } from '../protocol/plan.ts'
import { Mp4Broken, readMp4, type Track } from './mp4.ts'
import { rescale, secondsOf } from './rational.ts'

const broken = (message: string, cause?: unknown) => new AttemptFailed('verify_failed', message, { cause })

/** Tracks of a file; `verify_failed` where it is not the MP4 that ffmpeg writes. */
export async function tracksOf(path: string): Promise<Track[]> {
  try {
    return await readMp4(path)
  } catch (error) {
    if (error instanceof Mp4Broken) throw broken(`the result is not a whole MP4: ${error.message}`, error)
    throw error
  }
}

export async function pictureOf(path: string): Promise<Track> {
  const video = (await tracksOf(path)).filter((track) => track.kind === 'video')
  if (video.length !== 1) throw broken(`the result has ${video.length} video tracks instead of one`)
  return video[0]!
}

/** sha256 of the parameter sets, each with its length: what every chunk of a rendition must share. */
export function signatureOf(track: Track): Sha256 {
  const hash = createHash('sha256')
  for (const set of track.parameterSets) hash.update(`${set.length}:`).update(set)
  return asSha256(hash.digest('hex'))
}

/** sha256 of the pictures' bytes in decode order, without the container. */
export async function elementaryHash(path: string, track: Track): Promise<Sha256> {
  const hash = createHash('sha256')
  const handle = await open(path, 'r')
  try {
    for (const { start, length } of runs(track)) await hashRange(handle, hash, start, length)
  } finally {
    await handle.close()
  }
  return asSha256(hash.digest('hex'))
}

/** Samples that lie one behind the other, as one range. */
function* runs(track: Track): Generator<{ start: number; length: number }> {
  let [start, length] = [track.offsets[0] ?? 0, 0]
  for (let at = 0; at < track.sizes.length; at++) {
    if (track.offsets[at] !== start + length) {
      yield { start, length }
      ;[start, length] = [track.offsets[at]!, 0]
    }
    length += track.sizes[at]!
  }
  yield { start, length }
}

const READ_BYTES = 1024 * 1024

async function hashRange(
  handle: Awaited<ReturnType<typeof open>>,
  hash: Hash,
  start: number,
  length: number,
): Promise<void> {
  const buffer = Buffer.alloc(Math.min(READ_BYTES, length))
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - done), start + done)
    if (bytesRead === 0) throw broken('the result is cut off')
    hash.update(buffer.subarray(0, bytesRead))
    done += bytesRead
  }
}

/** Ascending presentation times. */
export const shownTimes = (track: Track): Float64Array => track.times.slice().sort()

/** sha256 of times relative to the chunk's start, in ticks of the tracks. */
export function timesHash(ticks: Iterable<number>): Sha256 {
  return asSha256(
    createHash('sha256')
      .update([...ticks].join(','))
      .digest('hex'),
  )
}

/** The same from the source's times: what `timesHash` of an encoded chunk must be. */
export function plannedTimes(
  times: readonly number[],
  chunk: Pick<ChunkPlan, 'start_pts'>,
  plan: Pick<Plan, 'time_base' | 'track_timescale'>,
): number[] {
  return times.map((time) => rescale(time - chunk.start_pts, plan.time_base, [1, plan.track_timescale]))
}

/** Largest time scale at which ticks of the source are whole ticks of the tracks: beyond it times are rounded, not exact. */
export const TRACK_TIMESCALE_MAX = 1_000_000

/** `null`: the chunk is right. Otherwise what is wrong with its times (which the decoder may be to blame for). */
export function wrongTimes(track: Track, chunk: ChunkPlan, plan: Plan): string | null {
  const times = shownTimes(track)
  if (times.length !== chunk.frames) return `it has ${times.length} frames instead of ${chunk.frames}`
  if (chunk.times_sha256 !== undefined && timesHash(times) !== chunk.times_sha256)
    return 'its frames are not at the times of the source'
  const end = secondsOf(chunk.end_pts - chunk.start_pts, plan.time_base) * plan.track_timescale
  return times[0] === 0 && times.at(-1)! < end + 1 ? null : 'its frames are outside the chunk'
}

/** Size, signature, square upright pixels, keyframes: everything but times. */
export function checkPicture(track: Track, rendition: RenditionPlan, plan: Plan): void {
  if (track.width !== rendition.width || track.height !== rendition.height) {
    throw broken(`the picture is ${track.width}×${track.height} instead of ${rendition.width}×${rendition.height}`)
  }
  if (track.timescale !== plan.track_timescale)
    throw broken(`the time scale is ${track.timescale} instead of ${plan.track_timescale}`)
  if (signatureOf(track) !== rendition.signature)
    throw broken('the parameter sets are not those of the plan: another encoder or another setting made it')
  if (track.matrix[1] !== 0 || track.matrix[3] !== 0 || track.matrix[0]! <= 0 || track.matrix[4]! <= 0)
    throw broken('the picture is turned a second time')
  if (track.keyframes !== null && track.keyframes[0] !== 0) throw broken('it does not begin with a keyframe')
}

/** What the joined file must hold, from the chunks themselves. */
export interface Joined {
  readonly times: Float64Array
  readonly sizes: Uint32Array
}

/** Chunks laid end to end by the plan. Answers how many planned frames no chunk holds. */
export function expectJoined(chunks: readonly Track[], plan: Plan): Joined & { missing: number } {
  const total = chunks.reduce((sum, chunk) => sum + chunk.times.length, 0)
  const [times, sizes] = [new Float64Array(total), new Uint32Array(total)]
  let at = 0
  chunks.forEach((track, number) => {
    const offset = rescale(plan.chunks[number]!.start_pts - plan.start_pts, plan.time_base, [1, plan.track_timescale])
    times.set(
      track.times.map((time) => time + offset),
      at,
    )
    sizes.set(track.sizes, at)
    at += track.times.length
  })
  return { times, sizes, missing: plan.frames - total }
}

/** The finished file against its chunks and its plan. */
export function checkJoined(tracks: readonly Track[], expected: Joined, rendition: RenditionPlan, plan: Plan): void {
  const video = tracks.filter((track) => track.kind === 'video')
  if (video.length !== 1) throw broken(`the result has ${video.length} video tracks instead of one`)
  const picture = video[0]!
  checkPicture(picture, rendition, plan)
  if (picture.sizes.length !== expected.sizes.length)
    throw broken(`the result has ${picture.sizes.length} frames instead of ${expected.sizes.length}`)
  if (expected.sizes.some((size, at) => picture.sizes[at] !== size))
    throw broken('the frames of the result are not those of its chunks')
  if (expected.times.some((time, at) => Math.abs(picture.times[at]! - time) > timeSlack(plan)))
    throw broken('the frames of the result are not at their times')
  const [audio, text] = ['audio', 'text'].map((kind) => tracks.filter((track) => track.kind === kind).length)
  if (audio !== plan.audio.length) throw broken(`the result has ${audio} audio tracks instead of ${plan.audio.length}`)
  if (text! < plan.subtitles.length)
    throw broken(`the result has ${text} subtitle tracks instead of ${plan.subtitles.length}`)
}

/** Where source ticks are not whole output ticks, start and offset are rounded each on its own. */
const timeSlack = (plan: Plan): number => ((plan.track_timescale * plan.time_base[0]) % plan.time_base[1] === 0 ? 0 : 1)
