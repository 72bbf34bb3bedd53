/**
 * The plan: chunks, renditions, classes, and one trial frame per rendition whose parameter sets every chunk must carry.
 *
 * Refuses, for good, a source that no peer decodes (`SourceRefused`) and a recipe that no codec can follow (`RecipeRefused`).
 */
import { formatClass, parseClass } from '../protocol/capability.ts'
import { AttemptFailed, RecipeRefused, SourceRefused } from '../protocol/errors.ts'
import type { VideoId } from '../protocol/ids.ts'
import type { SelfTestReport, SourceIndex, SourceProbe, WorkerAbility } from '../protocol/media.ts'
import {
  type AudioFacts,
  type ChunkPlan,
  type Plan,
  type Rational,
  sinceStart,
  type VideoFacts,
} from '../protocol/plan.ts'
import type { Recipe } from '../protocol/recipe.ts'
import { type AudioTrial, leadOf, straightOutput, straightSound, tryAudio } from './audio-trial.ts'
import { checkRecipe } from './check-recipe.ts'
import { planChunks } from './chunk-plan.ts'
import { chooseEncoder } from './codecs/choose-encoder.ts'
import { codecOf, encodeCoresOf, usedPreset } from './codecs/codecs.ts'
import type { Settings } from './commands/encode.ts'
import { filtersNeeded } from './filter-graph.ts'
import { displaySize, renditionsFor, type SizedRendition } from './ladder.ts'
import { isOneAtATime } from './one-at-a-time.ts'
import { inPackaging, timeFates } from './packaging.ts'
import { frameRate, type PacketIndex } from './packet-index.ts'
import { captionFates, hdrFates, presetFates, trimmedFates } from './picture-fates.ts'
import { decoderName } from './pixel-format.ts'
import { plainCutting } from './plain-cuts.ts'
import { plainSound } from './plain-sound.ts'
import { settled } from './probe/parts.ts'
import type { RatedProbe } from './probing.ts'
import { parseRational, secondsOf } from './rational.ts'
import { indexByDecoding } from './reading.ts'
import type { Programs } from './run-ffmpeg.ts'
import { mainShape } from './shape-changes.ts'
import { sizeOf } from './shapes.ts'
import type { Signatures } from './signatures.ts'
import { askedTracks, planSounds } from './sounds.ts'
import { quoted } from './source-file.ts'
import { isReadStraight } from './straight.ts'
import type { TextIndex } from './text-index.ts'
import { fitTimecode } from './timecode.ts'
import { type Cutting, chooseCutting } from './trial-cuts.ts'
import { type FrameTrial, knownFrames, trialFrames } from './trial-frames.ts'
import { cutOffSentence } from './truncation.ts'
import { plannedTimes, TRACK_TIMESCALE_MAX, timesHash } from './verify.ts'

/** A source, its index and the recipe to plan for. */
export interface PlanJob {
  readonly video_id: VideoId
  readonly source: string
  readonly probe: SourceProbe
  readonly index: SourceIndex
  readonly recipe: Recipe
  readonly selfTestReport: SelfTestReport
  /** Those that will encode; absent: none is known. */
  readonly workers?: readonly WorkerAbility[]
  /** As in `Media`; absent: no. */
  readonly isAlone?: boolean
  /** The parameter sets that are known of this build. */
  readonly signatures: Signatures
  readonly signal: AbortSignal
}

/** The plan of a video. Rejects with `SourceRefused`, `RecipeRefused`, or `AttemptFailed` where this build cannot. */
export async function planVideo(programs: Programs, job: PlanJob): Promise<Plan> {
  const { recipe, video_id } = job
  checkRecipe(recipe)
  const { packaging } = recipe
  const source = { probe: job.probe as RatedProbe, text: (job.index as TextIndex).text }
  const { probe, text, kept } = inPackaging(source, packaging)
  const video = videoOf(job)
  refuseUnknownCodec(job, video)
  const { index, ...cutting } = await planCuts(programs, job, video)
  const { shapes } = index
  const time_base = timeBaseOf({ ...job, index })
  const { fps, variable } = frameRate(
    index.times.map((time) => sinceStart({ start_pts: index.times[0]!, ...index }, time)),
    time_base,
    [probe.rates.real, probe.rates.average].map(parseRational),
  )
  const settings: Settings = {
    video, fps, genpts: index.genpts, counted_rate: index.counted_rate,
    track_timescale: trackTimescale(time_base),
    b_frames: variable ? 0 : 3, keyframe_s: recipe.keyframe_s,
  } // biome-ignore format: groups
  const { metadata, fates } = fitTimecode(probe, { fps, variable_rate: variable })
  refuseCutOff(job, index, time_base)
  const fitted = renditionsFor({ display: displaySize(video), asked: recipe.renditions, upscale: recipe.upscale })
  refuseTiny(fitted)
  const isUncut = cutting.cut_format === 'none'
  const classOf = classFormatter(job, video, isUncut ? probe.format : 'nut')
  // A build that lacks an encoder or a filter says so here, not by a trial frame that fails.
  const sized = fitted.map((rendition) => {
    const of = classOf(rendition)
    return { ...rendition, class: of, preset: usedPreset(rendition, parseClass(of)!.encoder) }
  })
  const start = secondsOf(index.times[0]!, time_base)
  const seconds = Math.max(probe.duration_s, secondsOf(index.end_pts, time_base) - start)
  const asked = askedTracks(probe.audio, recipe.audio)
  const audio = {
    source: job.source,
    audio: asked.audio,
    seconds,
    start,
    isStraight: isUncut && index.whole === null,
    signal: job.signal,
  }
  const trial = { job: { ...job, index }, settings, sized, time_base }
  const { sound, renditions } = await tryAll(programs, { ...job, audio, trial, probe })
  const heard = index.jumps ? sound.audio.map(decoded) : sound.audio
  const made = recipe.audio && heard.length > 0 ? planSounds(recipe, heard) : null
  return {
    version: 3, video_id, time_base, ...settings, ...(shapes.length > 0 && { shapes }), ...(index.jumps && { jumps: index.jumps }),
    start_pts: index.times[0]!, lead: leadOf(sound, start, settings.track_timescale), end_pts: index.end_pts, frames: index.times.length,
    variable_rate: variable, audio_kbps: recipe.audio_kbps,
    audio: heard, ...(made && { sounds: made.sounds }), subtitles: text.tracks.map(({ facts }) => facts), ...(kept && { kept }), chapters: text.chapters.length, metadata,
    renditions,
    ...cutting,
    chunks: withTimes(cutting.chunks, index, { time_base, track_timescale: settings.track_timescale }),
    fates: settled([...fates, ...index.fates, ...text.fates, ...timeFates({ time_base, fps }, { times: index.times, packaging }), ...captionFates(video, sized), ...hdrFates(video, sized), ...presetFates(fitted, sized), ...trimmedFates(recipe, sized), ...asked.fates, ...(made?.fates ?? []), ...sound.fates]),
  } // biome-ignore format: groups
}

/**
 * The trial frames and the trial of the audio, side by side. Where audio may be read straight one process does both; where that fails, or a
 * track is not to be had so, each has its own. Plain sound needs no trial, and neither do settings of which one is known.
 */
async function tryAll(
  programs: Programs,
  {
    probe,
    audio,
    trial,
    signatures,
  }: {
    readonly probe: RatedProbe
    readonly audio: AudioTrial
    readonly trial: FrameTrial
    readonly signatures: Signatures
  },
) {
  const plain = await plainSound({ ...audio, format: probe.format, sounds: probe.sounds })
  const output = plain === null ? straightOutput(audio) : null
  const both = output && (await trialFrames(programs, trial, { more: output, signatures }).catch(noneIfFailed))
  const straight = both && straightSound(audio, both.lines)
  if (both && straight) return { sound: straight, renditions: both.renditions }
  const frames = async () =>
    both?.renditions ??
    (await knownFrames(trial, signatures)) ??
    (await trialFrames(programs, trial, { signatures })).renditions
  const [sound, renditions] = await Promise.all([plain ?? tryAudio(programs, audio), frames()])
  return { sound, renditions }
}

function noneIfFailed(error: unknown): null {
  if (error instanceof AttemptFailed) return null
  throw error
}

/** A track that is decoded at ingest, as the gaps of its clock are closed there. */
const decoded = (track: AudioFacts): AudioFacts => (track.extra === 'copied' ? { ...track, extra: 'decoded' } : track)

/** Refuses a file that was cut off, where the recipe says so. */
function refuseCutOff({ source, recipe }: PlanJob, index: PacketIndex, timeBase: Rational): void {
  if (!recipe.strict || index.cutOff === null) return
  const there = { seconds: secondsOf(index.end_pts - index.times[0]!, timeBase), frames: index.times.length }
  throw new SourceRefused(
    `${quoted(source)} is refused. ${cutOffSentence(index.cutOff, there)}; --strict takes whole files only.`,
  )
}

const timeBaseOf = ({ index, probe }: Pick<PlanJob, 'index' | 'probe'>): Rational =>
  (index as PacketIndex).packets.timeBase ?? probe.time_base

function videoOf({ index, probe }: PlanJob): VideoFacts {
  const { shapes, times, end_pts, interlaced, top_field_first, fields, captions, hdr } = index as PacketIndex
  const frame = shapes.length > 0 ? mainShape(shapes, { start_pts: times[0]!, end_pts }) : null
  return {
    ...probe.video,
    ...(fields && { fields: true, height: 2 * probe.video.height }),
    ...(captions && { captions: true }),
    // What the pictures say is nearer than what the container does.
    ...(probe.video.hdr && hdr),
    ...(frame && sizeOf(frame)),
    interlaced,
    top_field_first,
  }
}

type Cuts = Cutting & Pick<Plan, 'one_at_a_time'> & { readonly index: PacketIndex & SourceIndex }

/**
 * The chunks, and how they are cut: not at all, or as trial cuts show. Of a source that cannot be cut the pictures are what decoding it
 * shows.
 */
async function planCuts(programs: Programs, job: PlanJob, video: VideoFacts): Promise<Cuts> {
  const index = job.index as PacketIndex & SourceIndex
  const time_base = timeBaseOf(job)
  const encodeCores = encodeCoresOf(job.recipe.renditions)
  const seconds = secondsOf(index.end_pts - index.times[0]!, time_base)
  const oneAtATime = isOneAtATime({ isAlone: job.isAlone === true, seconds, video, recipe: job.recipe })
  const lengths = { encodeCores, oneAtATime }
  const marked = oneAtATime ? { one_at_a_time: true } : {}
  const whole = (of: PacketIndex & SourceIndex): Cuts => {
    const chunks = planChunks({ ...of, time_base, ...lengths, whole: true })
    return { index: of, cut_format: 'none', run_in: 0, chunks, ...marked }
  }
  if (index.whole !== null) return whole(index)
  const { source, signal } = job
  const plan = {
    video, time_base, genpts: index.genpts, start_pts: index.times[0]!, lead: 0, track_timescale: trackTimescale(time_base),
  } // biome-ignore format: a record
  const breaks = index.shapes.slice(1).map(({ start_pts }) => start_pts)
  if (await isReadStraight({ source, format: job.probe.format, index, time_base, ...lengths, breaks }))
    return whole(index)
  const trial = { source, signal, index, plan, ...lengths, breaks }
  const cutting = (await plainCutting(trial)) ?? (await chooseCutting(programs, trial))
  return cutting === null ? whole(await indexByDecoding(programs, job, index)) : { index, ...cutting, ...marked }
}

/** Ticks of the tracks per second: an integer multiple of the source's, at least 10,000 (some MP4 players fail with coarser ones). */
function trackTimescale([, denominator]: Rational): number {
  const scale = denominator * Math.ceil(10_000 / denominator)
  return scale > TRACK_TIMESCALE_MAX ? TRACK_TIMESCALE_MAX : scale
}

/** Throws `RecipeRefused` for the first rendition whose picture is smaller than its encoder takes. */
function refuseTiny(sized: readonly SizedRendition[]): void {
  for (const { id, codec, width, height } of sized) {
    const { encoders, leastSide } = codecOf(codec)
    if (Math.min(width, height) < leastSide)
      throw new RecipeRefused(
        `The rendition ${id} of this source is ${width}x${height}, and ${encoders[0].library} takes no side under ${leastSide} pixels: use h264.`,
      )
  }
}

/** Refuses a codec without a trial run: it is in no peer's capability, so that no worker would claim its chunks. */
function refuseUnknownCodec({ selfTestReport, source }: PlanJob, { codec, bit_depth }: VideoFacts): void {
  if (selfTestReport.decoders.includes(decoderName(codec, bit_depth))) return
  throw new SourceRefused(`${quoted(source)} is coded as "${codec}", which Reelmesh does not transcode.`)
}

/**
 * A chunk that is read from the source itself needs the source's demuxer too; `mpegts`, which fails in some builds, is named. The
 * names are those of this build (`x265-199`): chunks of another family would not match the signature of the trial frame.
 */
function classFormatter({ selfTestReport, workers = [] }: PlanJob, video: VideoFacts, format: string) {
  const known = (word: string | undefined, name: string): string => {
    if (word === undefined)
      throw new AttemptFailed('build_cannot', `this node's ffmpeg (${selfTestReport.ffmpeg}) has no ${name}`)
    return word
  }
  const filter = (name: string) =>
    known(
      selfTestReport.filters.find((each) => each === name || each.startsWith(`${name}-`)),
      name,
    )
  const demuxers = format.split(',').includes('mpegts') ? ['mpegts'] : []
  const decoder = decoderName(video.codec, video.bit_depth)
  return (rendition: SizedRendition) => {
    const { id, codec, bit_depth } = rendition
    const libraries = codecOf(codec).encoders.map(({ library }) => library)
    const name = `${libraries.join(' or ')} of ${bit_depth} bits`
    const encoder = known(chooseEncoder(rendition, selfTestReport.encoders, workers), name)
    const filters = [...filtersNeeded(video, bit_depth), ...demuxers].map(filter)
    return formatClass({ decoder, filters, encoder, rendition: id })
  }
}

/** Each chunk with the hash of its frames' times, where these are whole ticks of the tracks. */
function withTimes(
  chunks: readonly ChunkPlan[],
  { times }: PacketIndex,
  scale: Pick<Plan, 'time_base' | 'track_timescale'>,
): ChunkPlan[] {
  if ((scale.track_timescale * scale.time_base[0]) % scale.time_base[1] !== 0) return [...chunks]
  let at = 0
  return chunks.map((chunk) => {
    const own = times.slice(at, at + chunk.frames)
    at += chunk.frames
    return { ...chunk, times_sha256: timesHash(plannedTimes(own, chunk, scale)) }
  })
}
