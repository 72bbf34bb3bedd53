/**
 * Encoding: one ffmpeg for every rendition of a chunk, each file verified before it is answered.
 */
import { join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { EncodeJob, EncodeResult } from '../protocol/media.ts'
import type { ChunkPlan, Plan, RenditionPlan } from '../protocol/plan.ts'
import { hasThreads } from '../protocol/short-film.ts'
import { amend } from './amending.ts'
import { checkSound, soundBytesMax, soundJob } from './audio-encoding.ts'
import { codecOf } from './codecs/codecs.ts'
import { carriesCaptions, encodeArgs } from './commands/encode.ts'
import { decodeFrames } from './decoded-frames.ts'
import { keptHdr } from './filter-graph.ts'
import { writeHdrBoxes } from './hdr-boxes.ts'
import { writeLevel } from './level.ts'
import { rescale, secondsOf } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { shapesIn } from './shapes.ts'
import { checkPicture, elementaryHash, pictureOf, shownTimes, wrongTimes } from './verify.ts'
import { hideVersionSei } from './version-sei.ts'

const CONTAINER_BYTES = 16 * 1024 * 1024

/**
 * Encodes a chunk in the renditions of the job, into `outDir/ID.mp4`, and its sound where it is asked for. A rendition that fails verification is `ok: false` in its result;
 * a failure of the whole run rejects with `AttemptFailed`.
 */
export async function encodeChunk(programs: Programs, job: EncodeJob): Promise<readonly EncodeResult[]> {
  const { plan, input } = job
  const chunk = plan.chunks[job.chunk_id]!
  const outputs = job.renditions.map((id) => {
    const rendition = plan.renditions.find((each) => each.id === id)
    if (!rendition) throw new AttemptFailed('unexpected', `the plan has no ${id}`)
    return { rendition, path: join(job.outDir, `${id}.mp4`) }
  })
  const encoding = {
    settings: plan,
    input,
    fromSource: chunk.cut === null,
    isThreaded: hasThreads(plan, job.chunk_id),
    outputs,
    shapes: shapesIn(plan.shapes ?? [], chunk, plan.time_base),
    ...(job.sound !== undefined && { sound: soundJob(plan, input.path, job.sound) }),
  }
  // No encode is larger than the raw pictures of its largest rendition.
  const pixels = Math.max(...outputs.map(({ rendition }) => rendition.width * rendition.height))
  const pictureBytesMax = chunk.frames * pixels * 3 + CONTAINER_BYTES
  const outputBytesMax = Math.max(pictureBytesMax, job.sound === undefined ? 0 : await soundBytesMax(plan, input.path))
  const onLine = encodeProgress(programs, job, chunk)
  const run = (decoders: number) => {
    const args = encodeArgs({ ...encoding, decoders })
    const running = { program: programs.ffmpeg, args, signal: job.signal, progress: true, outputBytesMax, onLine }
    return runOrFail(programs.run, running, `encoding chunk ${job.chunk_id}`)
  }
  const decoders = decodersOf(chunk, plan)
  let log = await run(decoders)
  if (decoders > 1 && DAMAGE.test(log)) log = await run(1)
  if (job.sound !== undefined) await checkSound(job.sound, plan)
  const decodable = once(() => decodedTicks(programs, job, chunk))
  return Promise.all(outputs.map((output) => verified(output, { job, chunk, decodable, log })))
}

/**
 * Threads of the decoder: two where it says so wherever they may give other pictures than one, and only there. Of 310 damaged H.264 streams, on ffmpeg
 * 5.1, 6.0 and 8.1, 165 differed, each with a message; HEVC differed without one. A chunk that was cut where a GOP is open begins without the pictures that
 * its first ones refer to: the decoder complains of these, and every such chunk would be encoded twice. Beside all but the last chunks of a film cores are busy with others.
 */
function decodersOf({ cut, chunk_id }: ChunkPlan, plan: Plan): 1 | 2 {
  const { video, closed_cuts } = plan
  const isWorthIt = cut === null || (closed_cuts === true && hasThreads(plan, chunk_id))
  return isWorthIt && video.codec === 'h264' && video.bit_depth === 8 ? 2 : 1
}

/** Messages of a decoder, or of ffmpeg about what it decoded. */
const DAMAGE = /\[h264 @|corrupt|error|invalid/i

/** Parses `-progress`. Its `frame=` is that of the first output. */
function encodeProgress(
  { clock }: Programs,
  { plan, onProgress }: EncodeJob,
  chunk: ChunkPlan,
): (line: string) => void {
  const started = clock.mono()
  const secondsPerFrame = secondsOf(chunk.end_pts - chunk.start_pts, plan.time_base) / chunk.frames
  return (line) => {
    const frames = Math.min(chunk.frames, Number(/^frame=\s*(\d+)/.exec(line)?.[1] ?? NaN))
    if (Number.isNaN(frames)) return
    onProgress?.({ frames, speed: (frames * secondsPerFrame * 1000) / Math.max(1, clock.mono() - started) })
  }
}

interface Verification {
  readonly job: EncodeJob
  readonly chunk: ChunkPlan
  readonly decodable: () => Promise<readonly number[]>
  readonly log: string
}

async function verified(
  { rendition, path }: { rendition: RenditionPlan; path: string },
  { job, chunk, decodable, log }: Verification,
): Promise<EncodeResult> {
  const { id } = rendition
  try {
    const codec = codecOf(rendition.codec)
    if (carriesCaptions(job.plan, codec)) await hideVersionSei(path)
    await amend(path, rendition, job.plan)
    await writeLevel(path, codec, { ...rendition, fps: job.plan.fps })
    await writeHdrBoxes(path, keptHdr(job.plan.video, rendition.bit_depth))
    const track = await pictureOf(path)
    checkPicture(track, rendition, job.plan)
    const wrong = wrongTimes(track, chunk, job.plan)
    if (wrong !== null && !equal(shownTimes(track), await decodable()))
      throw new AttemptFailed('verify_failed', `${id} of chunk ${chunk.chunk_id}: ${wrong}`)
    return { rendition: id, ok: true, path, es_sha256: await elementaryHash(path, track) }
  } catch (error) {
    if (!(error instanceof AttemptFailed) || job.signal.aborted) throw error
    return {
      rendition: id,
      ok: false,
      failure: new AttemptFailed(error.code, error.message, { log: error.log || log, cause: error }),
    }
  }
}

/**
 * Times of the frames that the decoder makes of the input, in ticks of the tracks: frames may be missing only where the decoder
 * loses them. It costs a decode, so that only a chunk with wrong times is decoded again.
 */
async function decodedTicks(
  programs: Programs,
  { plan, input, signal }: EncodeJob,
  chunk: ChunkPlan,
): Promise<number[]> {
  const fromSource = chunk.cut === null
  const stream = fromSource ? plan.video.stream : 0
  const job = { source: input.path, stream, genpts: fromSource && plan.genpts, timeBase: input.time_base, signal }
  const frames = await decodeFrames(programs, job)
  const times = frames.map(({ pts }, at) => (fromSource && plan.counted_rate !== null ? input.start_pts + at : pts))
  const shown = times.filter((pts) => pts >= input.start_pts && pts < input.end_pts)
  return shown
    .map((pts) => rescale(pts - input.start_pts, input.time_base, [1, plan.track_timescale]))
    .sort((a, b) => a - b)
}

const equal = (a: ArrayLike<number>, b: readonly number[]): boolean =>
  a.length > 0 && a.length === b.length && b.every((value, at) => a[at] === value)

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => (made ??= make())
}
