/**
 * The extra that carries text and covers from the ingest to the merge: events and chapters as JSON, in ms of the film. The merge cuts them to the
 * film, whose end it knows with the sound, and writes the files that ffmpeg copies.
 *
 * The file may come from a faulty or hostile peer: it is checked when it is read.
 */
import { type FileHandle, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AttemptFailed } from '../../protocol/errors.ts'
import { type Plan, packagingOf, planSeconds, type SubtitleFacts } from '../../protocol/plan.ts'
import { zeroOf } from '../chunk-plan.ts'
import { closedSeconds } from '../clock-jumps.ts'
import type { Track } from '../mp4.ts'
import { type ChapterList, chaptersFile, chaptersOf } from './chapters.ts'
import { EVENTS_MAX } from './decode-text.ts'
import { type Sample, timelineOf, withEnds } from './events.ts'
import type { SourceText } from './source-text.ts'
import { isFile, trackName } from './track-name.ts'
import { textMp4, textTimescale } from './tx3g.ts'

const time = z.number().int().safe()
const run = z.strictObject({
  from: z.number().int().min(0).max(65_535),
  to: z.number().int().min(0).max(65_535),
  face: z.number().int().min(0).max(7),
  size: z.number().int().min(1).max(1_000),
  color: z.number().int().min(0).max(0xffffffff),
})
const event = z.strictObject({
  start: time,
  end: time.nullable(),
  text: z.string().min(1).max(8_000),
  styles: z.array(run).max(4_000),
  place: z.literal([0, 1, 2]),
})
const EXTRA = z.strictObject({
  /** By ffmpeg's stream index in the source. */
  tracks: z.array(z.strictObject({ stream: z.number().int().min(0), events: z.array(event).max(EVENTS_MAX) })).max(64),
  chapters: z.array(z.strictObject({ start: time, end: time.nullable(), title: z.string() })).max(10_000),
  /** A Matroska file with the covers, base64. */
  covers: z.string().nullable(),
})
type TextExtra = z.infer<typeof EXTRA>

/** Bytes of a file that is read: several times those of the largest text that is kept. */
const FILE_BYTES_MAX = 256 * 1024 * 1024

/** Writes the extra of a plan. A track of the plan that this peer could not read is missing in it. */
export async function writeTextExtra(
  path: string,
  { text, plan, covers }: { readonly text: SourceText; readonly plan: Plan; readonly covers: Buffer | null },
): Promise<void> {
  const zero = zeroOf(plan)
  const onFilm = (ms: number) => Math.round((closedSeconds(ms / 1000, plan.jumps, plan.time_base) - zero) * 1000)
  const moved = <Timed extends { start: number; end: number | null }>(each: Timed): Timed => ({
    ...each,
    start: onFilm(each.start),
    end: each.end === null ? null : onFilm(each.end),
  })
  const extra: TextExtra = {
    tracks: text.tracks
      .filter(({ facts }) => plan.subtitles.some(({ stream }) => stream === facts.stream))
      .map(({ facts, events }) => ({
        stream: facts.stream,
        // The times of a file are those of the film already.
        events: events.map((each) => ({ ...(isFile(facts) ? each : moved(each)), styles: [...each.styles] })),
      })),
    chapters: text.chapters.map(moved),
    covers: covers?.toString('base64') ?? null,
  }
  await writeFile(path, JSON.stringify(extra))
}

/** What the merge muxes: the tracks of the plan that the extra holds, in the plan's order, the chapters and the covers. */
export interface FilmText {
  readonly subtitles: readonly SubtitleFacts[]
  /** Samples of each of `subtitles`. */
  readonly samples: readonly (readonly Sample[])[]
  readonly chapters: ChapterList['chapters']
  /** A Matroska file with the covers. */
  readonly covers: Buffer | null
  /** Where in the extra a file with what only Matroska holds begins, bytes; null without one. */
  readonly keptFrom: number | null
  /** What is left out, one sentence each. */
  readonly notes: readonly string[]
}

/** The text of a film without an extra. */
export const NO_TEXT: FilmText = { subtitles: [], samples: [], chapters: [], covers: null, keptFrom: null, notes: [] }

/** Sound that ends this much later than the picture, s, is the padding of a codec, and no film without a picture. */
const PADDING_S = 0.1

/** Seconds from the beginning of the results to the end of the last picture, or of the sound where that goes on; each given in seconds. */
export function secondsShown(picture: number, sounds: readonly number[]): number {
  const last = Math.max(picture, ...sounds)
  return last - picture > PADDING_S ? last : picture
}

/** The same of a plan and its encoded sound, whole ms. */
export function filmEnd(plan: Plan, audio: readonly Pick<Track, 'times' | 'duration' | 'timescale'>[]): number {
  const picture = planSeconds(plan) + plan.lead / plan.track_timescale
  const sounds = audio.map(({ times, duration, timescale }) => ((times[0] ?? 0) + duration) / timescale)
  return Math.floor(secondsShown(picture, sounds) * 1000 + 1e-6)
}

/** Reads the extra and cuts it to a film of `end` ms. Rejects with `verify_failed` where it is not what an ingest writes. */
export async function readTextExtra(path: string, plan: Plan, end: number): Promise<FilmText> {
  const { line, keptFrom } = await firstLine(path)
  return { ...filmTextOf(line, plan, end), keptFrom }
}

/** The same of an extra up to its first line break, without what follows. Throws as `readTextExtra` rejects. */
export function filmTextOf(line: string, plan: Plan, end: number): FilmText {
  const { tracks, chapters, covers } = parseJson(line)
  const byStream = new Map(tracks.map((track) => [track.stream, track.events]))
  const notes: string[] = []
  const subtitles = plan.subtitles.filter(({ stream }) => byStream.has(stream))
  for (const facts of plan.subtitles)
    if (!byStream.has(facts.stream))
      notes.push(`${trackName(facts)} is left out: the ffmpeg of the peer that read it cannot decode it.`)
  const samples = subtitles.map((facts) => {
    const events = withEnds(byStream.get(facts.stream)!, end)
    const timeline = timelineOf(events, end)
    notes.push(...trackNotes(trackName(facts), events, { end, crowded: timeline.crowded }))
    return timeline.samples
  })
  const list = chaptersOf(chapters, end, { isFilled: packagingOf(plan) === 'mp4' })
  if (list.left > 0)
    notes.push(`Chapters without length or outside of the film are left out (${list.left} of ${chapters.length}).`)
  return {
    subtitles,
    samples,
    chapters: list.chapters,
    covers: covers === null ? null : Buffer.from(covers, 'base64'),
    keptFrom: null,
    notes,
  }
}

const broken = (cause: unknown) =>
  new AttemptFailed('verify_failed', 'the file of subtitles and chapters is not what an ingest writes', { cause })

async function firstLine(path: string): Promise<{ line: string; keptFrom: number | null }> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const length = await lineLength(handle)
    if (length === null) throw broken('its length')
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return { line: buffer.toString('utf8'), keptFrom: length < size ? length + 1 : null }
  } finally {
    await handle.close()
  }
}

function parseJson(text: string): TextExtra {
  try {
    return EXTRA.parse(JSON.parse(text))
  } catch (error) {
    throw broken(error)
  }
}

const READ_BYTES = 1024 * 1024

/** Bytes up to the first line break or to the end; null where they are more than any text. */
async function lineLength(handle: FileHandle): Promise<number | null> {
  const buffer = Buffer.alloc(READ_BYTES)
  for (let at = 0; at <= FILE_BYTES_MAX; at += READ_BYTES) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, at)
    const found = buffer.subarray(0, bytesRead).indexOf(10)
    if (found >= 0) return at + found
    if (bytesRead < READ_BYTES) return at + bytesRead
  }
  return null
}

function trackNotes(
  track: string,
  events: readonly { readonly start: number; readonly end: number }[],
  { end, crowded }: { readonly end: number; readonly crowded: number },
): string[] {
  const outside = events.filter((each) => each.end <= 0 || each.start >= end).length
  return [
    ...(outside > 0 ? [`${track}: texts outside of the film are left out (${outside} of ${events.length}).`] : []),
    ...(crowded > 0
      ? [`${track}: texts are left out where too many are due at the same time (${crowded} of ${events.length}).`]
      : []),
  ]
}

/** The files that the merge copies; null for what the film does not have. */
export interface TextFiles {
  readonly covers: string | null
  readonly subtitles: string | null
  readonly chapters: string | null
}

/** Writes the files into `dir`. */
export async function writeTextFiles(
  dir: string,
  text: FilmText,
  plan: Pick<Plan, 'track_timescale'>,
): Promise<TextFiles> {
  const subtitles = text.subtitles.length > 0 ? join(dir, 'text.mp4') : null
  const chapters = text.chapters.length > 0 ? join(dir, 'chapters.txt') : null
  const covers = text.covers === null ? null : join(dir, 'covers.mkv')
  if (subtitles) await writeFile(subtitles, textMp4(text.samples, textTimescale(plan.track_timescale)))
  if (chapters) await writeFile(chapters, chaptersFile(text.chapters))
  if (covers && text.covers) await writeFile(covers, text.covers)
  return { covers, subtitles, chapters }
}
