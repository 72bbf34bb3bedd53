/** The tracks of a film as Matroska has them: entries and packets, on the clock of the results. Pure. */
import { iso6392TTo2B } from 'iso-639-2'
import type { Flag, FurtherPicture, Plan } from '../../protocol/plan.ts'
import { bodiesOf, elementsOf, numberOf, textOf } from '../ebml.ts'
import type { Track } from '../mp4.ts'
import type { WrittenTrack } from './clusters.ts'
import { element, float, ID, string, uint } from './elements.ts'
import { hdrColor } from './hdr-color.ts'
import type { MatroskaTrack, Packets } from './read-matroska.ts'

/** What people read of a track. */
export interface Named {
  /** ISO 639-2/T; '' where it is not known. */
  readonly language: string
  readonly title: string
  readonly flags: readonly Flag[]
}

const TYPES = { video: 1, audio: 2, subtitle: 0x11 } as const

/** The elements of an entry that all tracks have. Matroska has the bibliographic codes of languages: `ger`, not `deu`. */
function common(kind: keyof typeof TYPES, { language, title, flags }: Named): Buffer[] {
  const has = (flag: Flag): number => Number(flags.includes(flag))
  const code = (iso6392TTo2B as Readonly<Record<string, string>>)[language] ?? (language || 'und')
  const isForDeaf = has('hearing_impaired') | has('captions')
  const rare = [
    [ID.isForDeaf, isForDeaf], [ID.isForBlind, has('visual_impaired')], [ID.isDescriptions, has('descriptions')],
    [ID.isCommentary, has('comment')],
  ] as const // biome-ignore format: a table
  return [
    uint(ID.trackType, TYPES[kind]), uint(ID.hasLacing, 0), uint(ID.isDefault, has('default')),
    ...(has('forced') ? [uint(ID.isForced, 1)] : []), ...rare.flatMap(([id, is]) => (is ? [uint(id, 1)] : [])),
    ...(has('dub') ? [uint(ID.isOriginal, 0)] : []),
    string(ID.language, code), ...(title === '' ? [] : [string(ID.name, title)]),
  ] // biome-ignore format: groups
}

/** A rendition to write. */
interface Picture {
  readonly plan: Plan
  readonly chunks: readonly { readonly track: Track; readonly path: string }[]
  readonly joined: { readonly times: Float64Array; readonly sizes: Uint32Array }
  readonly codec: { readonly codecId: string; readonly isConfigured: boolean }
}

/** The picture of a rendition. `of.chunks`: its tracks and files, in order; `of.joined`: the times of all their pictures, in ticks of the tracks, and their sizes in bytes. Throws `Mp4Broken` for the sample entry of a damaged chunk. */
export function pictureTrack(of: Picture): WrittenTrack {
  const { plan, chunks, joined } = of
  const count = joined.times.length
  const packets = {
    files: chunks.map(({ path }) => path),
    file: new Uint32Array(count),
    times: joined.times.map((ticks) => Math.round((ticks * 1000) / plan.track_timescale)),
    durations: new Float64Array(count).fill(-1),
    sizes: joined.sizes,
    offsets: new Float64Array(count),
    keys: new Uint8Array(count),
  }
  let at = 0
  for (const [number, { track }] of chunks.entries()) {
    packets.file.fill(number, at, at + track.sizes.length)
    packets.offsets.set(track.offsets, at)
    if (track.keyframes === null) packets.keys.fill(1, at, at + track.sizes.length)
    else for (const key of track.keyframes) packets.keys[at + key] = 1
    at += track.sizes.length
  }
  return { entry: pictureEntry({ ...of, track: chunks[0]!.track }), packets }
}

function pictureEntry({ plan, track, codec }: Pick<Picture, 'plan' | 'codec'> & { readonly track: Track }): Buffer {
  const { picture } = plan.metadata
  // The picture is what is played where nothing is chosen.
  const named = { ...picture, flags: [...new Set<Flag>([...picture.flags, 'default'])] }
  const frame = plan.variable_rate ? [] : [uint(ID.frameDuration, Math.round((1e9 * plan.fps[1]) / plan.fps[0]))]
  const entry = [
    ...common('video', named), ...frame, string(ID.codecId, codec.codecId), ...(codec.isConfigured ? [element(ID.codecPrivate, track.configuration)] : []),
    element(ID.video, uint(ID.interlaced, 2), uint(ID.pixelWidth, track.width), uint(ID.pixelHeight, track.height), ...hdrColor(track.description)),
  ] // biome-ignore format: groups
  return Buffer.concat(entry)
}

/** The elements of an entry that say how to decode its packets: taken over as ffmpeg wrote them. */
const DECODING: readonly number[] = [ID.codecId, ID.codecPrivate, ID.seekPreRoll, ID.audio]

const decoding = (entry: Buffer): Buffer[] =>
  [...elementsOf(entry)].filter(({ id }) => DECODING.includes(id)).map(({ id, body }) => element(id, body))

/** A picture that is taken over with its times. */
export function copiedPicture({ entry, packets }: MatroskaTrack, facts: FurtherPicture): WrittenTrack {
  const frame = [...elementsOf(entry)].filter(({ id }) => id === ID.frameDuration)
  const video = turned(bodiesOf(entry, ID.video)[0] ?? Buffer.alloc(0), facts)
  return {
    entry: Buffer.concat([
      ...common('video', facts), ...frame.map(({ id, body }) => element(id, body)), ...decoding(entry), element(ID.video, ...video),
    ]), // biome-ignore format: groups
    packets: { ...packets, durations: packets.durations.map(() => -1) },
  }
}

/** The body of the element Video with the turn of the source, which not every build of ffmpeg writes. */
function turned(video: Buffer, { rotation, mirrored }: FurtherPicture): Buffer[] {
  const all = [...elementsOf(video)]
  const isTurned = rotation !== 0 || mirrored
  const others = all.filter(({ id }) => id !== ID.projection || !isTurned).map(({ id, body }) => element(id, body))
  if (!isTurned) return others
  // Degrees counter-clockwise, -90 to 180, after the mirror; a yaw of 180 is the mirror.
  const angle = mirrored ? 180 - rotation : -rotation
  const roll = angle <= -180 ? angle + 360 : angle
  return [...others, element(ID.projection, ...(mirrored ? [float(ID.yaw, 180)] : []), float(ID.roll, roll))]
}

/** Samples that AAC encoders add before the first. */
const AAC_DELAY = 1024

/**
 * A track of sound. What is before the beginning of the results (what an encoder has added, the rest of a packet that is copied) is said to be the delay of its
 * codec, which readers take off: so the first sample is that of the source. `offset`: ms to take off the times of the file.
 */
export function soundTrack({ entry, packets }: MatroskaTrack, named: Named, offset: number): WrittenTrack {
  const said = numberOf(entry, ID.codecDelay, 0)
  const first = (packets.times[0] ?? offset) - offset - said / 1e6
  const early = Math.max(0, -first)
  const aac = (AAC_DELAY / rateOf(entry)) * 1000
  const isAac = textOf(entry, ID.codecId).startsWith('A_AAC') && Math.abs(early - aac) <= 1
  const delay = said > 0 ? said : Math.round((isAac ? aac : early) * 1e6)
  const own = delay > 0 ? [uint(ID.codecDelay, delay)] : []
  const moved = packets.times.map((time) => Math.max(0, Math.round(time - offset + (delay - said) / 1e6)))
  const all = [...common('audio', named), ...own, ...decoding(entry)]
  return {
    entry: Buffer.concat(all),
    packets: { ...packets, times: moved, durations: packets.durations.map(() => -1) },
  }
}

/** Hz. */
function rateOf(entry: Buffer): number {
  const audio = bodiesOf(entry, ID.audio)[0] ?? Buffer.alloc(0)
  const rate = bodiesOf(audio, SAMPLING_RATE)[0]
  return rate?.length === 8 ? rate.readDoubleBE() : rate?.length === 4 ? rate.readFloatBE() : 48_000
}

const SAMPLING_RATE = 0xb5

/** ffmpeg's decoders and encoders of broadcast text write the largest number for no end. */
const ENDLESS_MS = 2 ** 32 - 2

/**
 * A track of subtitles that is taken over. `onFilm`: from ms of the file to ms of the results. Those outside of the film, which ends after so many ms (`end`), are
 * left out; one that goes on at its beginning begins there.
 */
export function subtitleTrack(
  { entry, packets }: MatroskaTrack,
  named: Named,
  { onFilm, end }: { readonly onFilm: (ms: number) => number; readonly end: number },
): WrittenTrack {
  const rows = [...packets.times].flatMap((time, at) => {
    const [said, start] = [packets.durations[at]!, Math.round(onFilm(time))]
    const duration = said >= ENDLESS_MS ? -1 : said
    const stop = duration < 0 ? start : Math.min(end, start + duration)
    if (start >= end || (start < 0 && stop <= 0)) return []
    const from = Math.max(0, start)
    return [{ at, time: from, duration: duration < 0 ? -1 : stop - from }]
  })
  const pick = (values: ArrayLike<number>) => rows.map(({ at }) => values[at]!)
  return {
    entry: Buffer.concat([...common('subtitle', named), ...decoding(entry)]),
    packets: {
      files: packets.files,
      file: null,
      times: Float64Array.from(rows, ({ time }) => time),
      durations: Float64Array.from(rows, ({ duration }) => duration),
      sizes: Uint32Array.from(pick(packets.sizes)),
      offsets: Float64Array.from(pick(packets.offsets)),
      keys: new Uint8Array(rows.length).fill(1),
    },
  }
}

/** A track of plain text. `texts`: what is shown, in order; their bytes lie in the file `path` from the position `offset` on, one after the other. */
export function textTrack(
  texts: readonly { readonly start: number; readonly end: number; readonly bytes: number }[],
  named: Named,
  { path, offset }: { readonly path: string; readonly offset: number },
): WrittenTrack & { readonly packets: Packets } {
  let at = offset
  const offsets = texts.map(({ bytes }) => {
    at += bytes
    return at - bytes
  })
  return {
    entry: Buffer.concat([...common('subtitle', named), string(ID.codecId, 'S_TEXT/UTF8')]),
    packets: {
      files: [path],
      file: null,
      times: Float64Array.from(texts, ({ start }) => start),
      durations: Float64Array.from(texts, ({ start, end }) => end - start),
      sizes: Uint32Array.from(texts, ({ bytes }) => bytes),
      offsets: Float64Array.from(offsets),
      keys: new Uint8Array(texts.length).fill(1),
    },
  }
}
