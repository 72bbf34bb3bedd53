/**
 * How the audio task gets each audio track of a source, decided by trial before the plan is committed: in a file of extras by stream copy
 * where the copy decodes to the same samples at the same times, else decoded; or, of a source that is read straight, from the source itself. A track that cannot be decoded is left out, whatever it is called:
 * builds name codecs that they cannot decode. Layouts are those of the first decoded frame.
 *
 * There are only these two ways: a decoded track (FLAC or PCM) is held exactly by every container, so that a second container would
 * only save bytes for rare codecs. Codecs that some build may not decode are never copied: any peer may run the audio task.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { AudioFacts, Fate } from '../protocol/plan.ts'
import { encodedLayout } from './commands/audio.ts'
import { audioTrialArgs, copiedTrialArgs, straightArgs } from './commands/audio-trial.ts'
import { type DecodedSound, isNoise, isSameSound, isUntimed, parseDecodedSound } from './decoded-sound.ts'
import type { Programs } from './run-ffmpeg.ts'

/** The codecs that every build decodes. */
const COMMON = /^(?:aac|ac3|eac3|dts|mp[123]|flac|vorbis|pcm_(?:[suf]\d+(?:le|be)?|alaw|mulaw)|adpcm_(?:ima_wav|ms))$/

/** Their packets say no layout: builds guess at it. */
const WITHOUT_LAYOUT = /^(?:pcm|adpcm|flac)/

/** The audio of a source to try. */
export interface AudioTrial {
  readonly source: string
  /** The tracks as the container describes them. */
  readonly audio: readonly AudioFacts[]
  /** Length of the file, seconds. */
  readonly seconds: number
  /** Time of the first picture on the clock of the source, seconds. */
  readonly start: number
  /** Whether the source may be read straight: its tracks then need no copy. */
  readonly isStraight: boolean
  readonly signal: AbortSignal
}

/** The tracks that come along, in order, and what becomes of the others. */
export interface TriedAudio {
  readonly audio: readonly AudioFacts[]
  readonly fates: readonly Fate[]
  /** Time of the first sound on the clock of the source, seconds; null without sound. */
  readonly begins: number | null
}

/** Seconds at the end of a file that are compared. */
const TAIL_S = 2
/** A file no longer than this is compared as a whole, seconds. */
const WHOLE_S = 5

/** Tries every track. Rejects with the signal's reason, and with `AttemptFailed` where the disk is full. */
export async function tryAudio(programs: Programs, trial: AudioTrial): Promise<TriedAudio> {
  const verdicts = trial.audio.length === 0 ? new Map<number, Verdict>() : await tryTracks(programs, trial, trial.audio)
  const taken = trial.audio.flatMap((track) => {
    const verdict = verdicts.get(track.stream)
    return verdict?.sound ? [{ track, sound: verdict.sound, copy: verdict.copy }] : []
  })
  const begins = taken.map(({ sound }) => sound.frames[0]!.time)
  return {
    audio: taken.map(({ track, sound, copy }) => factsOf(track, sound, copy)),
    begins: begins.length > 0 ? Math.min(...begins) : null,
    fates: [
      ...trial.audio.flatMap((track) => leftOut(track, verdicts.get(track.stream))),
      ...taken.flatMap(({ track, sound }) => mixed(track, sound)),
    ],
  }
}

/** The output for `straightSound` of a process that reads the source; null where the audio needs a copy, or there is none. */
export function straightOutput({ audio, isStraight }: AudioTrial): readonly string[] | null {
  const isCommon = audio.length > 0 && audio.every(({ codec }) => COMMON.test(codec))
  return isStraight && isCommon ? straightArgs(audio.map(({ stream }) => stream)) : null
}

/** The tracks as the audio task decodes them from the source, by what `straightOutput` printed; null where one is not to be had from there. */
export function straightSound({ audio }: AudioTrial, lines: readonly string[]): TriedAudio | null {
  const found = parseDecodedSound(lines)
  const sounds = audio.flatMap((track, at) => soundOf(track, found.get(at)) ?? [])
  if (sounds.length < audio.length || sounds.some((sound) => isUntimed(sound) || !encodedLayout(sound).isKept))
    return null
  return {
    audio: audio.map((track, at) => ({ ...factsOf(track, sounds[at]!, sounds[at]!), extra: 'none' as const })),
    begins: Math.min(...sounds.map(({ frames }) => frames[0]!.time)),
    fates: [],
  }
}

/** Sound that begins this much before the picture is cut there: encoders make up to a frame or two of it. Seconds. */
const EARLY_SOUND_S = 0.05

/** Ticks of the tracks by which the results begin before the first picture, at `start` seconds on the clock of the source. */
export function leadOf({ begins }: Pick<TriedAudio, 'begins'>, start: number, timescale: number): number {
  const early = begins === null ? 0 : start - begins
  return early > EARLY_SOUND_S ? Math.floor(early * timescale + 1e-6) : 0
}

interface Verdict {
  /** The beginning of the track; null where nothing can be decoded. */
  readonly sound: DecodedSound | null
  /** The beginning of its copy, where that is the same. */
  readonly copy: DecodedSound | null
  readonly log: string
}

/** All at once; where that fails each alone, and without a copy where that fails too. */
async function tryTracks(
  programs: Programs,
  trial: AudioTrial,
  tracks: readonly AudioFacts[],
): Promise<Map<number, Verdict>> {
  const verdicts = await tryTogether(programs, trial, tracks, { copies: true })
  if (verdicts !== null) return verdicts
  const single = new Map<number, Verdict>()
  for (const track of tracks) {
    const verdict =
      (tracks.length > 1 && (await tryTogether(programs, trial, [track], { copies: true }))) ||
      (await tryTogether(programs, trial, [track], { copies: false }))
    single.set(track.stream, verdict?.get(track.stream) ?? { sound: null, copy: null, log: '' })
  }
  return single
}

/** Null where a track is missing or a copy fails. Without copies whatever was decoded counts. */
async function tryTogether(
  programs: Programs,
  trial: AudioTrial,
  tracks: readonly AudioFacts[],
  options: { readonly copies: boolean },
): Promise<Map<number, Verdict> | null> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-sound-'))
  try {
    const copies = (options.copies ? tracks : [])
      .filter(({ codec }) => COMMON.test(codec))
      .map(({ stream }) => ({ stream, head: join(dir, `${stream}-head.nut`), tail: join(dir, `${stream}-tail.nut`) }))
    const isShort = trial.seconds <= WHOLE_S
    const end = isShort || !options.copies ? null : trial.seconds - TAIL_S
    const offset = 100 + Math.max(0, Math.ceil(-trial.start))
    const streams = tracks.map(({ stream }) => stream)
    const args = audioTrialArgs({ source: trial.source, streams, copies, isShort, end, offset })
    const read = await decode(programs, args, trial.signal)
    if (options.copies && (read.exitCode !== 0 || tracks.some((_, at) => !read.sounds.has(at)))) return null
    // An end without packets is no file that can be read.
    const ended = copies.filter(({ stream }) => read.sounds.has(tracks.length + streams.indexOf(stream)))
    const copied = await decodeFiles(
      programs,
      [...copies.map(({ head }) => head), ...ended.map(({ tail }) => tail)],
      trial.signal,
    )
    const verdict = (stream: number, at: number): Verdict => {
      const sound = soundOf(tracks[at]!, read.sounds.get(at))
      const files = copies.find((copy) => copy.stream === stream)
      const copy = files && copied.get(files.head)
      const ends = { source: read.sounds.get(tracks.length + at), copy: files && copied.get(files.tail) }
      const isSame = sound && copy && !isUntimed(sound) && isSameSound(sound, copy, offset) && isSameEnd(ends, offset)
      return { sound, copy: isSame ? copy : null, log: read.log }
    }
    return new Map(streams.map((stream, at) => [stream, verdict(stream, at)]))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Null where nothing was decoded. A track whose rate or channels no header says was guessed to be of its codec: a few frames are no evidence. */
function soundOf({ sample_rate, channels }: AudioFacts, sound: DecodedSound | undefined): DecodedSound | null {
  const isGuessed = sample_rate === 0 || channels === 0
  return sound === undefined || (isGuessed && isNoise(sound)) ? null : sound
}

async function decodeFiles(
  programs: Programs,
  files: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, DecodedSound>> {
  if (files.length === 0) return new Map()
  const { sounds } = await decode(programs, copiedTrialArgs(files), signal)
  return new Map([...sounds].map(([at, sound]) => [files[at]!, sound]))
}

/** The last second, where the track reaches the end of the file. */
function isSameEnd(
  ends: { source: DecodedSound | undefined; copy: DecodedSound | undefined },
  offset: number,
): boolean {
  const { source, copy } = ends
  const last = source?.frames.at(-1)
  if (!source || !last) return true
  const frames = source.frames.filter(({ time }) => time >= last.time - 1)
  return isSameSound({ ...source, frames }, copy, offset)
}

/** Runs a trial; one that crashes or hangs this build has decoded what it printed before. */
async function decode({ run, ffmpeg }: Programs, args: readonly string[], signal: AbortSignal) {
  const lines: string[] = []
  let [exitCode, log] = [1, '']
  try {
    ;({ exitCode, log } = await run({ program: ffmpeg, args, signal, onLine: (line) => lines.push(line) }))
  } catch (error) {
    if (!(error instanceof AttemptFailed) || error.code === 'disk_full') throw error
  }
  return { exitCode, log, sounds: parseDecodedSound(lines) }
}

function factsOf(track: AudioFacts, sound: DecodedSound, copy: DecodedSound | null): AudioFacts {
  const { layout, channels, isKept } = encodedLayout(sound)
  const isCopied = copy !== null && isKept
  return {
    ...track,
    channels,
    layout,
    sample_rate: sound.rate,
    extra: isCopied ? 'copied' : isUntimed(sound) ? 'counted' : 'decoded',
    relabelled: channels > 2 && (!isCopied || copy.layout !== layout || WITHOUT_LAYOUT.test(track.codec)),
    source_channels: sound.channels,
  }
}

const described = ({ stream, codec, language }: AudioFacts): string =>
  `${stream} (${codec || 'unknown'}${language && `, ${language}`})`

function leftOut(track: AudioFacts, verdict: Verdict | undefined): Fate[] {
  if (verdict?.sound) return []
  const hasDecoder = !/decoder[^\n]*not found|no decoder|codec none/i.test(verdict?.log ?? '')
  const why = hasDecoder ? 'no part of it can be decoded' : 'this ffmpeg has no decoder for it'
  const name = described(track)
  return [{ part: `stream ${track.stream}`, fate: 'left_out', note: `Audio track ${name} is left out: ${why}.` }]
}

function mixed(track: AudioFacts, sound: DecodedSound): Fate[] {
  const { layout, channels } = encodedLayout(sound)
  if (channels === sound.channels) return []
  const name = described(track)
  const note = `Audio track ${name} has ${sound.layout.replace(/^\d.*channels/, `${sound.channels} channels`)}, which AAC cannot hold: it is mixed to ${layout}.`
  return [{ part: `channels of stream ${track.stream}`, fate: 'converted', note }]
}
