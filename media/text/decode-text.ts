/**
 * Decodes the text subtitles of a source: ffmpeg to ASS where it has a decoder, and the cues of WebVTT that it does not recognise. A track
 * fails alone: what cannot be decoded is answered as such.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptFailed } from '../../protocol/errors.ts'
import type { SubtitleFacts } from '../../protocol/plan.ts'
import { decodeTextArgs, packetBytesArgs, type TextInput, type TextTrackJob } from '../commands/text.ts'
import { lastLine, type Programs } from '../run-ffmpeg.ts'
import { type Cue, cuesFile, takePacketLine, webVttOf } from './cues.ts'
import { type DecodedTrack, type MatroskaFacts, readDecodedTrack } from './matroska.ts'

/** A source whose text is read. `dir`: an existing, empty folder for what is written on the way. */
export interface TextJob {
  readonly source: string
  readonly dir: string
  readonly signal: AbortSignal
}

/** A track as it was decoded, or why it was not: the end of a sentence. */
export type Decoded =
  | { readonly facts: SubtitleFacts; readonly track: DecodedTrack }
  | { readonly facts: SubtitleFacts; readonly why: string }

/** Bytes of one decoded track; the largest of real ones, with a sign for every picture, have half of it. */
export const TRACK_BYTES_MAX = 64 * 1024 * 1024
/** Events of one track; the largest real ones have half of it. */
export const EVENTS_MAX = 100_000
/** A long film without a word prints nothing for as long as it takes to read it. */
const STALL_MS = 3_600_000

/** Decodes tracks in one pass of the source; where that fails, each of them in its own. */
export async function decodeTracks(
  programs: Programs,
  job: TextJob,
  tracks: readonly SubtitleFacts[],
): Promise<readonly Decoded[]> {
  if (tracks.length === 0) return []
  const jobs = tracks.map((facts) => ({ ...facts, out: join(job.dir, `${facts.stream}.mkv`) }))
  const failed = await whyFailed(programs, job, { source: job.source }, jobs)
  const decoded: Decoded[] = []
  for (const each of jobs) {
    const why = failed === null ? null : await whyFailed(programs, job, { source: job.source }, [each])
    decoded.push(await readBack(each, why))
  }
  return decoded
}

/** Why a run failed, or null. Rejects where that has nothing to do with the tracks: a full disk, an abort. */
async function whyFailed(
  { run, ffmpeg }: Programs,
  { signal }: TextJob,
  input: TextInput,
  tracks: readonly TextTrackJob[],
): Promise<string | null> {
  for (const { out } of tracks) await rm(out, { force: true })
  try {
    const { exitCode, log } = await run({
      program: ffmpeg, args: decodeTextArgs(input, tracks), signal, progress: true, stallMs: STALL_MS, outputBytesMax: TRACK_BYTES_MAX,
    }) // biome-ignore format: groups
    return exitCode === 0 ? null : lastLine(log)
  } catch (error) {
    if (signal.aborted || !(error instanceof AttemptFailed) || error.code === 'disk_full') throw error
    return error.message
  }
}

/** Decodes a file of subtitles as the track `facts`. */
export async function decodeFile(
  programs: Programs,
  job: TextJob,
  { facts, path }: { readonly facts: SubtitleFacts; readonly path: string },
): Promise<Decoded> {
  const track = { ...facts, stream: 0, out: join(job.dir, `${facts.stream}.mkv`) }
  const why = await whyFailed(programs, job, { subtitles: path }, [track])
  return { ...(await readBack(track, why)), facts }
}

/** A run that fails at a damaged end has written what came before it. */
async function readBack({ out, ...facts }: SubtitleFacts & { out: string }, why: string | null): Promise<Decoded> {
  const bytes = await readFile(out).catch(() => Buffer.alloc(0))
  await rm(out, { force: true })
  const track = readDecodedTrack(bytes, EVENTS_MAX)
  if (track && (why === null || track.events.length > 0)) return { facts, track }
  return {
    facts,
    why: /bytes allowed/.test(why ?? '') ? 'it is larger than any text' : 'ffmpeg cannot read it as text',
  }
}

/**
 * Decodes a track of a codec that ffmpeg does not recognise, where its packets are WebVTT cues: in Matroska by the name of the codec, in
 * MP4 by the boxes of its samples.
 */
export async function decodeUnknown(
  programs: Programs,
  job: TextJob,
  { facts, matroska }: { readonly facts: SubtitleFacts; readonly matroska: MatroskaFacts | null },
): Promise<Decoded> {
  const isWebVtt = matroska?.codecIds[facts.stream] === 'S_TEXT/WEBVTT'
  const cues =
    matroska === null || isWebVtt ? await readCues(programs, job, { stream: facts.stream, isBoxed: !isWebVtt }) : null
  if (cues === null) return { facts, why: 'its codec is unknown to ffmpeg' }
  const file = join(job.dir, `${facts.stream}.vtt`)
  await writeFile(file, cuesFile(cues))
  const track = { ...facts, stream: 0, out: join(job.dir, `${facts.stream}.mkv`) }
  const why = await whyFailed(programs, job, { cues: file }, [track])
  const decoded = await readBack(track, why)
  return { ...decoded, facts }
}

/** The cues of a track; null where its packets are none. */
async function readCues(
  { run, ffprobe }: Programs,
  { source, signal }: TextJob,
  { stream, isBoxed }: { readonly stream: number; readonly isBoxed: boolean },
): Promise<readonly Cue[] | null> {
  const cues: Cue[] = []
  let isOther = false
  const packet = { lines: [] as string[] }
  const onLine = (line: string) => {
    const found = takePacketLine(packet, line)
    if (found === null || isOther || cues.length >= EVENTS_MAX) return
    const text = isBoxed ? webVttOf(found.bytes) : found.bytes.toString('utf8')
    if (text === null) isOther = true
    else cues.push({ ...found, text })
  }
  const { exitCode } = await run({
    program: ffprobe,
    args: packetBytesArgs(source, stream),
    signal,
    stallMs: STALL_MS,
    onLine,
  })
  return isOther || (exitCode !== 0 && cues.length === 0) ? null : cues
}
