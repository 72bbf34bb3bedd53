/**
 * The self-test: trial runs of one frame each show what this ffmpeg can do, as few processes as possible: each takes 0.1 s, on a busy machine 0.5 s. Builds list what they cannot do (a native `av1` decoder
 * that only drives hardware, a transport stream demuxer that crashes), so that lists are used only where no trial is possible.
 *
 * A start waits for the first three: both programs answer, and H.264 is decoded and encoded, which most films need and nothing else. The others follow.
 *
 * A trial that is killed by a signal, or hangs, means that the build cannot. `UsageError` with one sentence: an ffmpeg older than 5.1 (no
 * `-fps_mode`), one without a required encoder, and a missing ffprobe.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AttemptFailed, UsageError } from '../protocol/errors.ts'
import type { Sha256 } from '../protocol/ids.ts'
import type { SelfTestReport } from '../protocol/media.ts'
import type { Rendition } from '../protocol/rendition.ts'
import type { Codec, Encoder, FamilyTrial } from './codecs/codec.ts'
import { codecs, encoderWord } from './codecs/codecs.ts'
import { h264 } from './codecs/h264.ts'
import {
  decodeTrialArgs,
  encodeTrialArgs,
  familyTrialArgs,
  haveRun,
  memoryTrialArgs,
  opusTrialArgs,
} from './commands/self-test.ts'
import { lastLine, type Programs, type Run, runOrFail } from './run-ffmpeg.ts'
import clips from './samples/clips.json' with { type: 'json' }
import { elementaryHash, pictureOf, signatureOf } from './verify.ts'

const TRIAL_STALL_MS = 20_000
/** How many parts the clips of a decode trial that failed are tried in. */
const PARTS = 4

/** Beginnings of the elementary hash of each filter's trial, on ffmpeg 5.1, 6.0 and 9.0. */
const KNOWN_RESULTS: Readonly<Record<string, string>> = { bwdif: '4a5854', zscale: 'ba6df6' }
/** Clips that test a demuxer. A demuxer that works is listed among the filters, as it is no decoder. */
const DEMUXERS = ['mpegts']
/** The clip that trial encodes read, the one of moving fields for bwdif, and the one of 10 bits for zscale. */
const [PLAIN, FIELDS, DEEP] = ['h264', 'interlaced', 'hevc10'] as const
/** Memory of an encode of the default ladder where the build does not report it. */
export const ENCODE_BYTES_GUESS = 700 * 1024 * 1024

/** A report as it is cached; null where the memory of an encode was not measured. */
export type Cached = Omit<SelfTestReport, 'encode_bytes'> & { readonly encode_bytes: number | null }

/** Runs trials in a folder with the clips. */
export async function inFolder<T>(
  programs: Programs,
  signal: AbortSignal,
  run: (trials: Trials) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-self-test-'))
  try {
    for (const [word, base64] of Object.entries(clips)) await writeFile(join(dir, word), Buffer.from(base64, 'base64'))
    return await run({ programs, dir, signal })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Encodes one frame with each required codec: run by a worker after a failure. Rejects where a codec fails. */
export async function runQuickSelfTest(programs: Programs, signal: AbortSignal): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-trial-'))
  try {
    const clip = join(dir, PLAIN)
    await writeFile(clip, Buffer.from(clips[PLAIN], 'base64'))
    for (const codec of codecs().filter(({ required }) => required)) {
      const out = join(dir, `${codec.name}.mp4`)
      const args = encodeTrialArgs({ clip, codec, encoder: codec.encoders[0], bitDepth: 8, filter: null, out })
      const job = { program: programs.ffmpeg, args, signal, stallMs: TRIAL_STALL_MS }
      await runOrFail(programs.run, job, 'the trial run')
      await elementaryHash(out, await pictureOf(out))
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Where trials run. */
export interface Trials {
  readonly programs: Programs
  readonly dir: string
  readonly signal: AbortSignal
}

/** What a start waits for. Rejects with `UsageError` where this ffmpeg cannot be used. */
export async function runFirstTrials(trials: Trials): Promise<Cached> {
  const required = codecs().filter((codec) => codec.required)
  const all = [
    checkVersion(trials),
    checkProbe(trials),
    ...required.map((codec) => encoderWords(trials, codec, codec.encoders[0])),
  ] as const
  // None is left running; and an old version is named before what it cannot do.
  await Promise.allSettled(all)
  const [version, , ...encoders] = await Promise.all(all)
  return {
    ffmpeg: version.name,
    // The clip of these trials is H.264.
    decoders: [PLAIN],
    encoders: encoders.flat(),
    filters: [],
    encode_bytes: null,
    // From ffmpeg 7 on each encoder has a thread of its own: 1.65 cores measured, 1.0–1.15 before.
    cores_per_slot: version.libavcodec >= 61 ? 1.6 : 1,
  }
}

/**
 * All others: the report of this build, but for its memory. Rejects with `AttemptFailed` where ffmpeg does not work any more, as while it is replaced, or where
 * memory is short: a trial that fails says something of a build only where another one works right after it.
 */
export async function runOtherTrials(given: Trials, first: Cached): Promise<Cached> {
  const trials = { ...given, programs: { ...given.programs, run: runWhereOthersWork(given) } }
  const encoders = (await attempt(trials, opusTrialArgs()))?.exitCode === 0 ? ['opus'] : []
  for (const codec of codecs().filter(({ required }) => !required))
    for (const encoder of codec.encoders) encoders.push(...(await encoderWords(trials, codec, encoder)))
  const [words, untested, ...found] = await Promise.all([
    decodable(trials, Object.keys(clips)),
    untestedDecoders(trials),
    ...Object.keys(KNOWN_RESULTS).map((filter) => filterName(trials, filter)),
  ])
  const filters = found.filter((word) => word !== null)
  return {
    ...first,
    decoders: [...words.filter((word) => !DEMUXERS.includes(word) && word !== FIELDS), ...untested],
    encoders: [...first.encoders, ...encoders],
    filters: [...filters, ...words.filter((word) => DEMUXERS.includes(word))],
  }
}

/** Runs a program; where it fails, H.264 must be decoded as before. */
function runWhereOthersWork(trials: Trials): Run {
  const { run, ffmpeg } = trials.programs
  const mustWork = async () => {
    const end = await attempt(trials, decodeTrialArgs([join(trials.dir, PLAIN)]))
    if (end?.exitCode === 0) return
    const why = end === null ? 'it crashes or hangs' : lastLine(end.log)
    throw new AttemptFailed('unexpected', `${ffmpeg} does not decode H.264 any more: ${why}`)
  }
  return async (job) => {
    try {
      const end = await run(job)
      if (end.exitCode !== 0) await mustWork()
      return end
    } catch (error) {
      if (isOfBuild(error)) await mustWork()
      throw error
    }
  }
}

const isOfBuild = (error: unknown): boolean =>
  error instanceof AttemptFailed && ['build_cannot', 'stalled', 'out_of_bounds'].includes(error.code)

/** Exit code, everything on stdout, stderr; null where the build died or hung. */
async function attempt({ programs, signal }: Trials, args: readonly string[], program = programs.ffmpeg) {
  const lines: string[] = []
  try {
    const end = await programs.run({
      program,
      args,
      signal,
      stallMs: TRIAL_STALL_MS,
      onLine: (line) => lines.push(line),
    })
    return { ...end, lines }
  } catch (error) {
    if (isOfBuild(error)) return null
    throw error
  }
}

async function checkVersion(trials: Trials): Promise<{ name: string; libavcodec: number }> {
  const { ffmpeg } = trials.programs
  const text = (await attempt(trials, ['-version']))?.lines.join('\n') ?? ''
  const name = /^ffmpeg version (\S+)/m.exec(text)?.[1]
  const util = /^libavutil\s+(\d+)\.\s*(\d+)\./m.exec(text)
  const codec = /^libavcodec\s+(\d+)\./m.exec(text)
  if (!name || !util || !codec)
    throw new UsageError(`${ffmpeg} does not answer like ffmpeg: install ffmpeg 5.1 or newer.`)
  // 5.1 brought libavutil 57.28; names of development builds say nothing.
  if (Number(util[1]) * 1000 + Number(util[2]) < 57_028)
    throw new UsageError(`${ffmpeg} is ffmpeg ${name}: 5.1 or newer is needed.`)
  return { name, libavcodec: Number(codec[1]) }
}

async function checkProbe(trials: Trials): Promise<void> {
  const { ffprobe } = trials.programs
  const text = (await attempt(trials, ['-version'], ffprobe))?.lines[0] ?? ''
  if (!text.startsWith('ffprobe version'))
    throw new UsageError(`${ffprobe} does not answer like ffprobe: install ffmpeg 5.1 or newer, with ffprobe.`)
}

/** The clips that this build decodes: all of them by one process, or, where that fails, in parts, down to each by itself. */
async function decodable(trials: Trials, words: readonly string[]): Promise<string[]> {
  const end = await attempt(trials, decodeTrialArgs(words.map((word) => join(trials.dir, word))))
  if (end !== null && end.exitCode === 0 && haveRun(end.lines, words.length)) return [...words]
  if (words.length === 1) return []
  const each = Math.ceil(words.length / PARTS)
  const found: string[] = []
  for (let at = 0; at < words.length; at += each) found.push(...(await decodable(trials, words.slice(at, at + each))))
  return found
}

function encodeTrial(
  { dir }: Trials,
  { codec, encoder }: { codec: Codec; encoder: Encoder },
  { filter = null, bitDepth = 8 }: { filter?: string | null; bitDepth?: Rendition['bit_depth'] },
): { args: string[]; out: string } {
  const clip = join(dir, filter === 'zscale' ? DEEP : filter === 'bwdif' ? FIELDS : PLAIN)
  const out = join(dir, `${encoder.name}-${bitDepth}-${filter}.mp4`)
  return { args: encodeTrialArgs({ clip, codec, encoder, bitDepth, filter, out }), out }
}

/**
 * The words of an encoder that works: one for each bit depth. A build without 10 bits answers with 8, and with the parameter sets of these.
 * `UsageError` where the codec is required and does not work.
 */
async function encoderWords(trials: Trials, codec: Codec, encoder: Encoder): Promise<string[]> {
  const signatures = new Map<Sha256, number>()
  for (const bitDepth of codec.bitDepths) {
    const { args, out } = encodeTrial(trials, { codec, encoder }, { bitDepth })
    const end = await attempt(trials, args)
    if (end?.exitCode === 0) {
      const signature = signatureOf(await pictureOf(out))
      if (!signatures.has(signature)) signatures.set(signature, bitDepth)
    } else if (codec.required) {
      const why = end === null ? 'it crashed or hung' : lastLine(end.log)
      throw new UsageError(
        `${trials.programs.ffmpeg} cannot encode with ${encoder.library} (${why}): install an ffmpeg that was built with it.`,
      )
    }
  }
  if (signatures.size === 0) return []
  const family = encoder.family && (await buildFamily(trials, encoder.family))
  if (encoder.family !== null && family === null) return []
  return [...signatures.values()].map((bitDepth) => encoderWord(encoder, family, bitDepth))
}

async function buildFamily(trials: Trials, family: FamilyTrial): Promise<string | null> {
  const out = join(trials.dir, 'family')
  const end = await attempt(trials, familyTrialArgs({ clip: join(trials.dir, PLAIN), family, out }))
  return end?.exitCode === 0 ? family.read(await readFile(out), end.log) : null
}

/**
 * A filter whose trial has the result that most builds give is called by its name; one of another result is a family of its
 * own, as encoders are: 8.1's bwdif makes another first frame, and two kinds must not meet in one video. Its frame is encoded
 * as H.264, whose bytes are those of the frame on every build.
 */
async function filterName(trials: Trials, filter: string): Promise<string | null> {
  const { args, out } = encodeTrial(trials, { codec: h264, encoder: h264.encoders[0] }, { filter })
  const end = await attempt(trials, args)
  if (end?.exitCode !== 0) return null
  const result = (await elementaryHash(out, await pictureOf(out))).slice(0, 6)
  return result === KNOWN_RESULTS[filter] ? filter : `${filter}-${result}`
}

/** Codecs that no clip tests: those that the build says it decodes. */
async function untestedDecoders(trials: Trials): Promise<string[]> {
  const lines = (await attempt(trials, ['-hide_banner', '-codecs']))?.lines ?? []
  const names = lines.flatMap((line) => /^\s*D.V\S{3}\s+([a-z0-9_]+)/.exec(line)?.[1] ?? [])
  return names.filter((name) => !(name in clips))
}

/** Memory of an encode of the default ladder. */
export async function encodeBytes(trials: Trials): Promise<number> {
  const end = await attempt(trials, memoryTrialArgs(join(trials.dir, PLAIN)))
  const peak = /maxrss=(\d+)\s*Ki?B/i.exec(end?.log ?? '')?.[1]
  return peak === undefined ? ENCODE_BYTES_GUESS : Number(peak) * 1024
}
