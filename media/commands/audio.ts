/**
 * The audio: every track in one piece, in one ffmpeg, from the file of extras or from a source that is read straight. AAC encoded per chunk drifts 35 ms at every join.
 * Each track starts with the results: earlier samples are cut, a late start and gaps become silence.
 */
import { PACKAGINGS, type Packaging } from '../../protocol/artifact.ts'
import type { AudioFacts, Plan, SoundPlan } from '../../protocol/plan.ts'
import { decimal, integer, known, layoutName, MOVIE_TIMESCALE, seconds } from './argument.ts'
import { DAMAGE_ALLOWED, fileUrl, PROGRESS, QUIET, SAFE } from './safe.ts'

/** AAC has no layouts with side speakers: these become its layouts with the same channels. Others stay. */
const AAC_LAYOUTS: Readonly<Record<string, string>> = { '5.1(side)': '5.1', '5.0(side)': '5.0', 'quad(side)': 'quad' }
/** The layout of 16 channels that the encoder of ffmpeg before 8 takes and later ones do not. */
export const OLD_LAYOUT = 'hexadecagonal'
/** The layouts that ffmpeg's AAC encoder takes. */
const ENCODED = new Set(
  ('mono stereo 2.1 3.0 3.0(back) 4.0 quad quad(side) 3.1 5.0 5.0(side) 4.1 5.1 5.1(side) 6.0 6.0(front) hexagonal 6.1 6.1(back) ' +
    '6.1(front) 7.0 7.0(front) 7.1 7.1(wide) 7.1(wide-side) octagonal').split(' ').concat(OLD_LAYOUT),
) // biome-ignore format: words
/** The usual layout of so many channels, as ffmpeg guesses it. */
const USUAL = ['', 'mono', 'stereo', '2.1', '4.0', '5.0', '5.1', '6.1', '7.1']
const SAMPLE_RATE = 48_000

/**
 * The layout in which a decoded track is encoded. `isKept`: it is the track's own, or only another name for its channels. Where it is
 * not, the channels are mixed: known speakers to the nearest usual layout, and more than 8 unknown ones to mono.
 */
export function encodedLayout(of: { readonly layout: string; readonly channels: number }): {
  readonly layout: string
  readonly channels: number
  readonly isKept: boolean
} {
  const { layout, channels } = of
  if (ENCODED.has(layout)) return { layout, channels, isKept: true }
  const isUnknown = layout === '' || /^\d+ channels$|ambisonic/.test(layout)
  if (channels <= 2 || (isUnknown && channels <= 8)) return { layout: USUAL[channels] ?? '', channels, isKept: true }
  if (isUnknown) return { layout: 'mono', channels: 1, isKept: false }
  const fit = channels >= 8 ? 8 : channels >= 6 ? 6 : 2
  return { layout: USUAL[fit]!, channels: fit, isKept: false }
}

/** The usual layout of a number of `channels`, to which a track with more is mixed. */
export const nearestLayout = (channels: number) => ({ layout: USUAL[channels] ?? '', channels })

/** The layouts of libopus. */
const OPUS_LAYOUTS = new Set(['mono', 'stereo', '3.0', 'quad', '5.0', '5.1', '6.1', '7.1'])

/** The layout in which Opus holds that of a track: its own, or the next larger one, in which further channels are silent. */
export function opusLayout({ layout, channels }: Pick<AudioFacts, 'layout' | 'channels'>) {
  const own = AAC_LAYOUTS[layout] ?? layout
  return OPUS_LAYOUTS.has(own) ? { layout: own, channels } : nearestLayout(channels <= 6 ? 6 : 8)
}

/** The numbers of so many channels. */
const indices = (channels: number): number[] => [...Array(Number(integer(channels))).keys()]

/** The filter that gives the channels of a track the names that its input does not say. */
function relabel({ relabelled, layout, channels }: AudioFacts): string {
  if (!relabelled) return ''
  return `channelmap=map=${indices(channels).join('|')}:channel_layout=${layoutName(layout)},`
}

/**
 * The filter that aligns a track with the results. `start`: their beginning in the input, seconds. `closing`: further terms of its
 * expression, which close gaps of the clock.
 */
const timing = (start: number, closing = ''): string =>
  `asetpts=PTS-(${seconds(start)})/TB${closing},aresample=${SAMPLE_RATE}:async=1:first_pts=0:min_hard_comp=0.01`

/**
 * The filter between the file of extras and the encoder, which mixes a track to the layout of the result. A track is never empty, so that its place among the tracks is sure. `start`:
 * beginning of the results in the input, seconds. `mixesOld`: whether `OLD_LAYOUT` is mixed to 7.1.
 */
export function audioFilter(track: AudioFacts, sound: SoundPlan, start: number, mixesOld = false): string {
  const own = sound.layout === track.layout ? AAC_LAYOUTS[track.layout] : sound.layout
  const layout = mixesOld && sound.layout === OLD_LAYOUT ? '7.1' : own
  return `${relabel(track)}${timing(start)}${layout === undefined ? '' : `,aformat=channel_layouts=${layoutName(layout)}`},apad=whole_len=1024`
}

/**
 * The filter between the source and a decoded track of the file of extras; null for one that is copied. Times are those of the source
 * in the end, with its gaps closed, so that the audio task treats all tracks alike. `start`: beginning of the results on the clock of the
 * source, seconds. `closing`: see `closingTerms`.
 */
export function decodedFilter(track: AudioFacts, start: number, closing = ''): string | null {
  const { extra, layout, channels, source_channels } = track
  if (extra === 'copied' || extra === 'none') return null
  // Its times are none: samples follow one another from the first on.
  const counted = extra === 'counted' ? 'asetpts=STARTPTS+N/SR/TB,' : ''
  const all = indices(source_channels).map((channel) => `${(1 / source_channels).toFixed(4)}*c${channel}`)
  const mix =
    channels === source_channels
      ? ''
      : channels === 1
        ? `pan=mono|c0=${all.join('+')},`
        : `aformat=channel_layouts=${layoutName(layout)},`
  return `${counted}${mix}${timing(start, extra === 'counted' ? '' : closing)},asetpts=PTS+(${seconds(start)})/TB`
}

/** FLAC holds 8 channels of 24 bits, other than those of 32-bit and float PCM. */
export const decodedCodec = ({ codec, channels }: AudioFacts): string =>
  channels > 8 || /^pcm_(?:f|[su]32|s64)/.test(codec) ? 'pcm_f32le' : 'flac'

/** Whether the audio task reads the source itself: its tracks are not copied out. */
export const isAudioStraight = ({ audio }: Pick<Plan, 'audio'>): boolean =>
  audio.length > 0 && audio.every(({ extra }) => extra === 'none')

/** The audio of a video to encode. Paths are absolute. */
export interface AudioJob {
  readonly input: string
  /** Where the input is the source itself: seconds to add to its times, as in a file of extras; else null. */
  readonly straight: { readonly offset: number } | null
  readonly out: string
  /** Where the same packets are written in fragments, to be read meanwhile: of MP4 only; absent: nowhere. */
  readonly growing?: string | undefined
  /** The tracks of the input, in its order, and those of the output. */
  readonly tracks: readonly AudioFacts[]
  readonly sounds: readonly SoundPlan[]
  /** Beginning of the results in the input, seconds. */
  readonly start: number
  readonly packaging: Packaging
  /** Whether 16 channels (`OLD_LAYOUT`) are mixed to 7.1. */
  readonly mixesOld?: boolean
}

/**
 * The arguments of the ffmpeg that makes every track of sound of the results in one file. A source says which samples its encoder has added before the
 * first, a copy does not: with `skip_manual` both decode to the same samples, and those before the beginning of the results are cut.
 */
export const audioArgs = (job: AudioJob): string[] => [
  ...QUIET, ...PROGRESS, ...DAMAGE_ALLOWED, ...soundInput(job), ...soundOutput(job, 0),
] // biome-ignore format: groups

/**
 * The arguments of the input of an `AudioJob`: tracks to encode and, where there are such, once more for tracks to copy, whose times begin with
 * the results.
 */
export function soundInput({ straight, input, sounds, start }: AudioJob): string[] {
  const source =
    straight === null ? [] : ['-sn', '-dn', '-flags2', '+skip_manual', '-itsoffset', decimal(straight.offset)]
  const copied = ['-vn', '-sn', '-dn', '-itsoffset', seconds((straight?.offset ?? 0) - start), '-i', fileUrl(input)]
  return [
    ...SAFE, '-copyts', '-vn', ...source, '-i', fileUrl(input), ...(sounds.some(isCopied) ? [...SAFE, ...copied] : []),
  ] // biome-ignore format: groups
}

const isCopied = ({ codec }: SoundPlan): boolean => codec === 'copy'

/** The encoders of tracks that are encoded, by ffmpeg's names. */
export const SOUND_ENCODERS = { aac: 'aac', opus: 'libopus' } as const

/** The arguments of its output. `from`: number of its first input. */
export function soundOutput(job: AudioJob, from: number): string[] {
  return [
    ...job.sounds.flatMap((sound, at) => soundArgs(job, { sound, at, from })),
    ...codecArgs(job.sounds),
    '-map_metadata', '-1', '-map_chapters', '-1',
    '-fflags', '+bitexact', '-flags:a', '+bitexact', ...written(job),
  ] // biome-ignore format: groups
}

/** Seconds by which the times of a Matroska file of sound are later than those of the results: ffmpeg moves all where one is negative. */
export const MATROSKA_SOUND_OFFSET_S = 10

const CONTAINERS: Readonly<Record<Packaging, readonly string[]>> = {
  mp4: ['-movie_timescale', integer(MOVIE_TIMESCALE), '-f', 'mp4'],
  mkv: ['-output_ts_offset', String(MATROSKA_SOUND_OFFSET_S), '-f', 'matroska'],
}

const written = ({ packaging, out, growing }: AudioJob): readonly string[] =>
  growing === undefined
    ? [...CONTAINERS[known(packaging, PACKAGINGS)], fileUrl(out)]
    : [
        '-f',
        'tee',
        `[f=mp4:movie_timescale=${integer(MOVIE_TIMESCALE)}]${teeUrl(out)}|[${GROWING.join(':')}]${teeUrl(growing)}`,
      ]

/**
 * Fragments of 3 s, written at once, with the edit list of a whole file. The whole file has the bytes that it has alone, on ffmpeg 5.1, 6.0, 8.1 and
 * 9.0, and is made also where this one fails.
 */
const GROWING = ['f=mp4', 'onfail=ignore', 'movflags=+delay_moov+default_base_moof+skip_trailer', 'frag_duration=3000000', 'flush_packets=1'] // biome-ignore format: words

/** The tags in MP4 of what is copied: a tee would pass on those of the input. */
const MP4_TAGS: Readonly<Record<string, string>> = { aac: 'mp4a', mp2: 'mp4a', mp3: 'mp4a', ac3: 'ac-3' }

/** Whether all tracks of an encode can be written in fragments beside the whole file. */
export const canGrow = ({ sounds, tracks, packaging }: Pick<AudioJob, 'sounds' | 'tracks' | 'packaging'>): boolean =>
  packaging === 'mp4' &&
  sounds.every((sound) => !isCopied(sound) || MP4_TAGS[tracks.find(({ stream }) => stream === sound.stream)!.codec])

/** A path in the list of files of ffmpeg's tee. */
const teeUrl = (path: string): string => fileUrl(path).replaceAll(/[\\'| \t\n\r]/g, '\\$&')

function codecArgs(sounds: readonly SoundPlan[]): string[] {
  if (sounds.every(({ codec }) => codec === 'aac')) return ['-c:a', SOUND_ENCODERS.aac]
  return sounds.flatMap(({ codec }, at) => [`-c:a:${at}`, codec === 'copy' ? codec : SOUND_ENCODERS[codec]])
}

function soundArgs(job: AudioJob, { sound, at, from }: { sound: SoundPlan; at: number; from: number }): string[] {
  const streams = job.tracks.map(({ stream }) => stream)
  const track = streams.indexOf(known(sound.stream, streams))
  const input = integer(isCopied(sound) ? from + 1 : from)
  const map = ['-map', job.straight === null ? `${input}:a:${integer(track)}` : `${input}:${integer(sound.stream)}`]
  if (isCopied(sound)) {
    const tag = MP4_TAGS[job.tracks[track]!.codec]
    return job.growing === undefined || tag === undefined ? map : [...map, `-tag:a:${at}`, tag]
  }
  return [
    ...map, `-filter:a:${at}`, audioFilter(job.tracks[track]!, sound, job.start, job.mixesOld),
    `-b:a:${at}`, `${decimal(sound.kbps)}k`,
  ] // biome-ignore format: groups
}
