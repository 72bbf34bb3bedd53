/**
 * The merge: compares the signature of every chunk (a file joined from unequal ones plays wrongly without an error), copies all renditions by
 * one ffmpeg, and compares each result with its chunks frame by frame.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { JoinedRendition, MergeJob } from '../protocol/media.ts'
import { type Plan, packagingOf, planSeconds, type RenditionPlan } from '../protocol/plan.ts'
import { soundsOf } from '../protocol/sound-plan.ts'
import { writeChunkList } from './chunk-list.ts'
import { codecOf } from './codecs/codecs.ts'
import { type MergedRendition, mergeArgs } from './commands/merge.ts'
import { isJoinedAlone, joinAlone } from './joining-alone.ts'
import { writeFilms } from './merging-matroska.ts'
import type { Track } from './mp4.ts'
import { type Programs, runOrFail, secondsMade } from './run-ffmpeg.ts'
import { checkText } from './text/check-text.ts'
import { switchOffText } from './text/enabled-tracks.ts'
import { type FilmText, filmEnd, NO_TEXT, readTextExtra, writeTextFiles } from './text/text-extra.ts'
import { END_OF_FILE } from './truncation.ts'
import { checkJoined, checkPicture, expectJoined, type Joined, pictureOf, tracksOf } from './verify.ts'

/** Frames that the last packet of a cut-off file, and those that refer to it, may cost. */
const CUT_OFF_FRAMES_MAX = 4
const CONTAINER_BYTES = 64 * 1024 * 1024

/** A rendition of a job, and what its file must hold. */
interface Expected extends JoinedRendition {
  readonly facts: RenditionPlan
  /** The pictures of each chunk. */
  readonly tracks: readonly Track[]
  /** `Codec.tag`. */
  readonly tag: string | null
  readonly expected: Joined & { readonly missing: number }
}

/** Merges the renditions into their files, none of which remains on failure. Rejects with `AttemptFailed`. */
export async function mergeRenditions(programs: Programs, job: MergeJob): Promise<void> {
  const { plan } = job
  const notes = new Set<string>()
  const renditions: Expected[] = []
  for (const each of job.renditions) renditions.push(await expectedOf(each, plan))
  const dir = await mkdtemp(join(dirname(job.renditions[0]!.out), '.join-'))
  try {
    const joining = { renditions, dir }
    const said = packagingOf(plan) === 'mkv' ? joinAsMatroska(job, joining) : joinAsMp4(programs, job, joining)
    for (const note of await said) notes.add(note)
  } catch (error) {
    for (const { out } of renditions) await rm(out, { force: true })
    throw error
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  for (const note of notes) job.onNote?.(note)
}

interface Joining {
  readonly renditions: readonly Expected[]
  /** A folder of the merge's own. */
  readonly dir: string
}

/** Joins the renditions and answers what is to be said of them. */
async function joinAsMp4(programs: Programs, job: MergeJob, { renditions, dir }: Joining): Promise<string[]> {
  const { plan } = job
  const text = await textOf(job)
  if (!(await joinedAlone(job, renditions))) await copyTogether(programs, job, { renditions, dir, text })
  const notes: string[] = []
  for (const rendition of renditions) notes.push(...(await checkedNotes(rendition, { plan, text })))
  return notes
}

/** As `joinAsMp4`. */
async function joinAsMatroska(job: MergeJob, { renditions, dir }: Joining): Promise<string[]> {
  const { notes, sounds } = await writeFilms(job, renditions, dir)
  return [...notes, ...silentTracks(sounds, job.plan), ...renditions.flatMap((each) => missingFrames(each, job.plan))]
}

async function expectedOf(rendition: JoinedRendition, plan: Plan): Promise<Expected> {
  const facts = plan.renditions.find(({ id }) => id === rendition.rendition)
  if (!facts || rendition.chunks.length !== plan.chunks.length)
    throw new AttemptFailed('unexpected', `cannot merge ${rendition.rendition}: not the chunks of this plan`)
  const { tag } = codecOf(facts.codec)
  const tracks = await checkedChunks(rendition.chunks, plan, facts)
  return { ...rendition, facts, tag, tracks, expected: expectJoined(tracks, plan) }
}

/** Finishes a merged file, compares it with its chunks, and answers what is to be said of it. */
async function checkedNotes(
  { out, facts, expected }: Expected,
  { plan, text }: { readonly plan: Plan; readonly text: FilmText },
): Promise<string[]> {
  await switchOffText(
    out,
    text.subtitles.map(({ flags }) => flags.includes('default')),
  )
  const tracks = await tracksOf(out)
  checkJoined(tracks, expected, facts, plan)
  checkText(tracks, text)
  const sounds = tracks.filter(({ kind }) => kind === 'audio')
  return [...text.notes, ...silentTracks(sounds, plan), ...missingFrames({ expected }, plan)]
}

function missingFrames({ expected }: Pick<Expected, 'expected'>, plan: Plan): string[] {
  // The last packet of a file that was cut off is not whole: the plan has a note of that.
  const isCutOff = plan.fates.some(({ part }) => part === END_OF_FILE)
  const areMissing = expected.missing > (isCutOff ? CUT_OFF_FRAMES_MAX : 0)
  return areMissing
    ? [`${expected.missing} of ${plan.frames} frames are missing: no decoder can read them in the source.`]
    : []
}

/** Length of the silence that stands for a track, whose sound the ingest could not decode after all, seconds. */
const SILENCE_S = 0.05

function silentTracks(audio: readonly Pick<Track, 'duration' | 'timescale'>[], plan: Plan): string[] {
  const silent = soundsOf(plan).filter((_, at) => audio[at]!.duration < SILENCE_S * audio[at]!.timescale)
  const streams = new Set(silent.map(({ stream }) => stream))
  return plan.audio
    .filter(({ stream }) => streams.has(stream))
    .map(({ stream, codec }) => `Audio track ${stream} (${codec}) is silent: no sound in it could be decoded.`)
}

/** The tables of the chunks of a rendition, one checked after the other: a long video has thousands. Rejects with `verify_failed`. */
export async function checkedChunks(chunks: readonly string[], plan: Plan, rendition: RenditionPlan): Promise<Track[]> {
  const tracks: Track[] = []
  for (const [at, path] of chunks.entries()) {
    const track = await pictureOf(path)
    try {
      checkPicture(track, rendition, plan)
    } catch (error) {
      throw new AttemptFailed(
        'verify_failed',
        `chunk ${at} of ${rendition.id} (${basename(path)}): ${error instanceof Error ? error.message : error}`,
        { cause: error },
      )
    }
    tracks.push(track)
  }
  return tracks
}

/** The text of the film, which ends with its picture or its sound, whichever is later. Rejects with `verify_failed`. */
export async function textOf({ plan, audio, extra }: Pick<MergeJob, 'plan' | 'audio' | 'extra'>): Promise<FilmText> {
  if (extra === null) return NO_TEXT
  return readTextExtra(extra, plan, filmEnd(plan, audio === null ? [] : await tracksOf(audio)))
}

/** Whether the renditions were all joined without a process. */
async function joinedAlone({ plan, audio, extra }: MergeJob, renditions: readonly Expected[]): Promise<boolean> {
  if (!isJoinedAlone({ plan, extra })) return false
  for (const { chunks, out } of renditions) if (!(await joinAlone({ plan, chunks, audio, out }))) return false
  return true
}

async function copyTogether(
  { run, ffmpeg }: Programs,
  { plan, audio, signal, onProgress }: MergeJob,
  {
    renditions,
    dir,
    text,
  }: { readonly renditions: readonly Expected[]; readonly dir: string; readonly text: FilmText },
): Promise<void> {
  const { covers, subtitles, chapters } = await writeTextFiles(dir, text, plan)
  const merged: MergedRendition[] = []
  for (const [at, { tag, chunks, out }] of renditions.entries())
    merged.push({ tag, list: await writeChunkList(join(dir, `chunks-${at}`), chunks, plan), out })
  const tracks = subtitles === null ? null : { path: subtitles, tracks: text.subtitles }
  const args = mergeArgs({ plan, renditions: merged, audio, covers, subtitles: tracks, chapters })
  const outputBytesMax = Math.max(
    ...(await Promise.all(
      renditions.map(({ chunks }) =>
        bytesMax([...chunks, audio, covers, subtitles, chapters].filter((path) => path !== null)),
      ),
    )),
  )
  const folders = [dir, ...renditions.flatMap(({ chunks }) => chunks.map(dirname))]
  const seconds = planSeconds(plan)
  const onLine = (line: string) => {
    const made = secondsMade(line)
    if (made !== null) onProgress?.(Math.min(1, made / seconds))
  }
  const joining = { program: ffmpeg, args, signal, progress: true, outputBytesMax, folders, onLine }
  await runOrFail(run, joining, `merging ${renditions.map(({ rendition }) => rendition).join(', ')}`)
}

/** The largest file that a copy of these files may make, bytes. */
async function bytesMax(inputs: readonly string[]): Promise<number> {
  let bytes = CONTAINER_BYTES
  for (const path of inputs) bytes += 1.5 * (await stat(path)).size
  return bytes
}
