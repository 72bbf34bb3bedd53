/**
 * The merge of one rendition: compares the signature of every chunk (a file joined from unequal ones plays wrongly without an error), makes
 * one stream copy, and compares the result with its chunks frame by frame.
 */
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { MergeJob } from '../protocol/media.ts'
import { type Plan, type RenditionPlan, sinceStart } from '../protocol/plan.ts'
import { codecOf } from './codecs/codecs.ts'
import { concatList, mergeArgs } from './commands/merge.ts'
import type { Track } from './mp4.ts'
import { secondsOf } from './rational.ts'
import { type Programs, runOrFail } from './run-ffmpeg.ts'
import { checkText } from './text/check-text.ts'
import { switchOffText } from './text/enabled-tracks.ts'
import { type FilmText, filmEnd, NO_TEXT, readTextExtra, writeTextFiles } from './text/text-extra.ts'
import { END_OF_FILE } from './truncation.ts'
import { checkJoined, checkPicture, expectJoined, pictureOf, tracksOf } from './verify.ts'

/** Frames that the last packet of a cut-off file, and those that refer to it, may cost. */
const CUT_OFF_FRAMES_MAX = 4
const CONTAINER_BYTES = 64 * 1024 * 1024

/** Merges one rendition into `out`, which does not remain on failure. Rejects with `AttemptFailed`. */
export async function mergeRendition(programs: Programs, job: MergeJob): Promise<void> {
  const { plan, out } = job
  const rendition = plan.renditions.find(({ id }) => id === job.rendition)
  if (!rendition || job.chunks.length !== plan.chunks.length)
    throw new AttemptFailed('unexpected', `cannot merge ${job.rendition}: not the chunks of this plan`)
  const { tag } = codecOf(rendition.codec)
  const chunks = await checkedChunks(job, rendition)
  const expected = expectJoined(chunks, plan)
  const text = await textOf(job)
  const dir = await mkdtemp(join(dirname(out), '.join-'))
  let tracks: readonly Track[] = []
  try {
    const list = await writeList(dir, job)
    await copyTogether(programs, { ...job, dir, list, tag, text })
    await switchOffText(
      out,
      text.subtitles.map(({ flags }) => flags.includes('default')),
    )
    tracks = await tracksOf(out)
    checkJoined(tracks, expected, rendition, plan)
    checkText(tracks, text)
  } catch (error) {
    await rm(out, { force: true })
    throw error
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  for (const note of [...text.notes, ...silentTracks(tracks, plan)]) job.onNote?.(note)
  // The last packet of a file that was cut off is not whole: the plan has a note of that.
  const isCutOff = plan.fates.some(({ part }) => part === END_OF_FILE)
  if (expected.missing > (isCutOff ? CUT_OFF_FRAMES_MAX : 0))
    job.onNote?.(`${expected.missing} of ${plan.frames} frames are missing: no decoder can read them in the source.`)
}

/** Length of the silence that stands for a track, whose sound the ingest could not decode after all, seconds. */
const SILENCE_S = 0.05

function silentTracks(tracks: readonly Track[], plan: Plan): string[] {
  const audio = tracks.filter(({ kind }) => kind === 'audio')
  const silent = plan.audio.filter((_, at) => audio[at]!.duration < SILENCE_S * audio[at]!.timescale)
  return silent.map(
    ({ stream, codec }) => `Audio track ${stream} (${codec}) is silent: no sound in it could be decoded.`,
  )
}

/** Checks the chunks one after the other: a long video has thousands. */
async function checkedChunks({ chunks, plan }: MergeJob, rendition: RenditionPlan): Promise<Track[]> {
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

/** The text of the film, which ends with its picture or its sound, whichever is later. */
async function textOf({ plan, audio, extra }: MergeJob): Promise<FilmText> {
  if (extra === null) return NO_TEXT
  return readTextExtra(extra, plan, filmEnd(plan, audio === null ? [] : await tracksOf(audio)))
}

/** Writes the list with links of plain names beside it, so that the concat demuxer needs no quoted path. */
async function writeList(dir: string, { chunks, plan }: MergeJob): Promise<string> {
  const entries = plan.chunks.map((chunk, at) => ({
    name: `${String(at).padStart(5, '0')}.mp4`,
    start: secondsOf(sinceStart(plan, chunk.start_pts), plan.time_base),
  }))
  for (const [at, { name }] of entries.entries()) await symlink(chunks[at]!, join(dir, name))
  const list = join(dir, 'list.ffconcat')
  await writeFile(list, concatList(entries))
  return list
}

interface CopyJob extends MergeJob {
  readonly dir: string
  readonly list: string
  readonly tag: string | null
  readonly text: FilmText
}

async function copyTogether({ run, ffmpeg }: Programs, job: CopyJob): Promise<void> {
  const { plan, audio, out, signal, list, tag, dir, text } = job
  const { covers, subtitles, chapters } = await writeTextFiles(dir, text, plan)
  const tracks = subtitles === null ? null : { path: subtitles, tracks: text.subtitles }
  const args = mergeArgs({ plan, tag, list, audio, covers, subtitles: tracks, chapters, out })
  const inputs = [...job.chunks, audio, covers, subtitles, chapters].filter((path) => path !== null)
  let outputBytesMax = CONTAINER_BYTES
  for (const path of inputs) outputBytesMax += 1.5 * (await stat(path)).size
  const folders = [dir, ...job.chunks.map(dirname)]
  const joining = { program: ffmpeg, args, signal, progress: true, outputBytesMax, folders }
  await runOrFail(run, joining, `merging ${job.rendition}`)
}
