/**
 * Compares a file with the plan: frames, times, signature, tracks. Reads MP4 boxes, starts no process.
 *
 * Times of a chunk are compared by hash: the plan holds one for each chunk, so that a worker needs no index. A chunk may hold fewer
 * frames than planned only where the decoder itself loses them; the caller checks that, with the times that this file returns.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import { asSha256, type Sha256 } from '../protocol/ids.ts'
import { type ChunkPlan, type Plan, type RenditionPlan, sinceStart } from '../protocol/plan.ts'
import { soundsOf } from '../protocol/sound-plan.ts'
import { MatroskaBroken, type MatroskaFile, readMatroska } from './matroska/read-matroska.ts'
import { Mp4Broken, readMp4, type Track } from './mp4.ts'
import { rescale, secondsOf } from './rational.ts'
import { readStretch, stretchesOf } from './sample-bytes.ts'

const broken = (message: string, cause?: unknown) => new AttemptFailed('verify_failed', message, { cause })

/** Tracks of a file. Rejects with `verify_failed` where it is not an MP4 that ffmpeg writes. */
export async function tracksOf(path: string): Promise<Track[]> {
  try {
    return await readMp4(path)
  } catch (error) {
    if (error instanceof Mp4Broken) throw broken(`the result is not a valid MP4: ${error.message}`, error)
    throw error
  }
}

/** What a Matroska file holds. Rejects with `verify_failed` where it is none that ffmpeg or the merge writes. */
export async function matroskaOf(path: string): Promise<MatroskaFile> {
  try {
    return await readMatroska(path)
  } catch (error) {
    if (error instanceof MatroskaBroken)
      throw broken(`the result is not a valid Matroska file: ${error.message}`, error)
    throw error
  }
}

/** The only video track of a file. Rejects with `AttemptFailed('verify_failed')` where there is another number. */
export async function pictureOf(path: string): Promise<Track> {
  const video = (await tracksOf(path)).filter((track) => track.kind === 'video')
  if (video.length !== 1) throw broken(`${video.length} video tracks, expected 1`)
  return video[0]!
}

/** sha256 of the parameter sets, each with its length: equal in all chunks of a rendition. */
export function signatureOf(track: Track): Sha256 {
  const hash = createHash('sha256')
  for (const set of track.parameterSets) hash.update(`${set.length}:`).update(set)
  return asSha256(hash.digest('hex'))
}

/** sha256 of the pictures' bytes in decode order, without the container. Rejects with `verify_failed` where the file is truncated. */
export async function elementaryHash(path: string, track: Track): Promise<Sha256> {
  const hash = createHash('sha256')
  const handle = await open(path, 'r')
  try {
    for (const stretch of stretchesOf(track)) await readStretch(handle, stretch, (bytes) => hash.update(bytes))
  } finally {
    await handle.close()
  }
  return asSha256(hash.digest('hex'))
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

/** The `timesHash` that an encoded chunk must have, from the times of the source. */
export function plannedTimes(
  times: readonly number[],
  chunk: Pick<ChunkPlan, 'start_pts'>,
  plan: Pick<Plan, 'time_base' | 'track_timescale'>,
): number[] {
  return times.map((time) => rescale(time - chunk.start_pts, plan.time_base, [1, plan.track_timescale]))
}

/** Largest time scale at which ticks of the source are whole ticks of the tracks: beyond it times are rounded, not exact. */
export const TRACK_TIMESCALE_MAX = 1_000_000

/** Why the times of a chunk differ from the plan (the decoder may be the cause), or null. */
export function wrongTimes(track: Track, chunk: ChunkPlan, plan: Plan): string | null {
  const times = shownTimes(track)
  if (times.length !== chunk.frames) return `${times.length} frames, expected ${chunk.frames}`
  if (chunk.times_sha256 !== undefined && timesHash(times) !== chunk.times_sha256)
    return 'frame times differ from the source'
  const end = secondsOf(chunk.end_pts - chunk.start_pts, plan.time_base) * plan.track_timescale
  return times[0] === 0 && times.at(-1)! < end + 1 ? null : 'frame times outside the chunk'
}

/** Checks everything but times: size, time scale, signature, orientation, first keyframe. Throws `verify_failed`. */
export function checkPicture(track: Track, rendition: RenditionPlan, plan: Plan): void {
  if (track.width !== rendition.width || track.height !== rendition.height) {
    throw broken(`picture size ${track.width}×${track.height}, expected ${rendition.width}×${rendition.height}`)
  }
  if (track.timescale !== plan.track_timescale)
    throw broken(`time scale ${track.timescale}, expected ${plan.track_timescale}`)
  if (signatureOf(track) !== rendition.signature)
    throw broken('parameter sets differ from the plan: made by another encoder or with other settings')
  if (track.matrix[1] !== 0 || track.matrix[3] !== 0 || track.matrix[0]! <= 0 || track.matrix[4]! <= 0)
    throw broken('the track header rotates or mirrors the picture')
  if (track.keyframes !== null && track.keyframes[0] !== 0) throw broken('the first frame is not a keyframe')
}

/** Frames that the merged file must hold, from its chunks. */
export interface Joined {
  readonly times: Float64Array
  readonly sizes: Uint32Array
}

/** The frames of all chunks at their times in the plan; `missing` is the number of planned frames that no chunk holds. */
export function expectJoined(chunks: readonly Track[], plan: Plan): Joined & { missing: number } {
  const total = chunks.reduce((sum, chunk) => sum + chunk.times.length, 0)
  const [times, sizes] = [new Float64Array(total), new Uint32Array(total)]
  let at = 0
  chunks.forEach((track, number) => {
    const offset =
      plan.lead + rescale(sinceStart(plan, plan.chunks[number]!.start_pts), plan.time_base, [1, plan.track_timescale])
    times.set(
      track.times.map((time) => time + offset),
      at,
    )
    sizes.set(track.sizes, at)
    at += track.times.length
  })
  return { times, sizes, missing: plan.frames - total }
}

/** Compares the merged file with its chunks and its plan. Throws `verify_failed`. */
export function checkJoined(tracks: readonly Track[], expected: Joined, rendition: RenditionPlan, plan: Plan): void {
  const video = tracks.filter((track) => track.kind === 'video')
  if (video.length !== 1) throw broken(`${video.length} video tracks, expected 1`)
  const picture = video[0]!
  checkPicture(picture, rendition, plan)
  if (picture.sizes.length !== expected.sizes.length)
    throw broken(`${picture.sizes.length} frames, expected ${expected.sizes.length}`)
  if (expected.sizes.some((size, at) => picture.sizes[at] !== size)) throw broken('frame sizes differ from the chunks')
  if (expected.times.some((time, at) => Math.abs(picture.times[at]! - time) > timeSlack(plan)))
    throw broken('frame times differ from the plan')
  const audio = tracks.filter((track) => track.kind === 'audio').length
  const expectedAudio = soundsOf(plan).length
  if (audio !== expectedAudio) throw broken(`${audio} audio tracks, expected ${expectedAudio}`)
}

/** Where source ticks are not whole output ticks, start and offset are rounded separately. */
const timeSlack = (plan: Plan): number => ((plan.track_timescale * plan.time_base[0]) % plan.time_base[1] === 0 ? 0 : 1)
