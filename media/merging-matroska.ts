/**
 * The merge into Matroska: chunks, sound, subtitles, chapters, covers and attachments into one file for each rendition, by `matroska/write-matroska.ts`, and
 * the comparison of each file with its parts. No process runs, and the bytes are the same whoever merges.
 */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AttemptFailed } from '../protocol/errors.ts'
import type { MergeJob } from '../protocol/media.ts'
import type { FurtherPicture, Kept, Plan, RenditionPlan, SubtitleFacts } from '../protocol/plan.ts'
import { soundFacts } from '../protocol/sound-plan.ts'
import { cutOffset, zeroOf } from './chunk-plan.ts'
import { closedSeconds } from './clock-jumps.ts'
import { codecOf } from './codecs/codecs.ts'
import { MATROSKA_SOUND_OFFSET_S } from './commands/audio.ts'
import { numberOf } from './ebml.ts'
import { type FoundKept, readKept } from './kept.ts'
import { chapterElement, tagsOf } from './matroska/about.ts'
import type { WrittenTrack } from './matroska/clusters.ts'
import { ID } from './matroska/elements.ts'
import { type Attached, type MatroskaTrack, readMatroska } from './matroska/read-matroska.ts'
import { copiedPicture, pictureTrack, soundTrack, subtitleTrack, textTrack } from './matroska/tracks.ts'
import { writeMatroska } from './matroska/write-matroska.ts'
import type { Track } from './mp4.ts'
import { subRipText } from './text/sub-rip.ts'
import { type FilmText, filmEnd, NO_TEXT, readTextExtra } from './text/text-extra.ts'
import { trackName } from './text/track-name.ts'
import { type Joined, matroskaOf } from './verify.ts'

/** A rendition whose chunks were checked. */
export interface CheckedRendition {
  readonly facts: RenditionPlan
  readonly chunks: readonly string[]
  /** The pictures of each chunk. */
  readonly tracks: readonly Track[]
  readonly expected: Joined
  readonly out: string
}

/** How long a track of sound is. */
type Span = Pick<Track, 'times' | 'duration' | 'timescale'>

/** Writes every rendition, and answers what is to be said of them and how long each track of sound is. Rejects with `AttemptFailed`. */
export async function writeFilms(
  job: Pick<MergeJob, 'plan' | 'audio' | 'extra' | 'signal' | 'onProgress'>,
  renditions: readonly CheckedRendition[],
  dir: string,
): Promise<{ readonly notes: readonly string[]; readonly sounds: readonly Span[] }> {
  const { plan, signal } = job
  const tracks = job.audio === null ? [] : (await matroskaOf(job.audio)).tracks.filter(({ kind }) => kind === 'audio')
  const sounds = tracks.map(spanOf)
  const end = filmEnd(plan, sounds)
  const text = job.extra === null ? NO_TEXT : await readTextExtra(job.extra, plan, end)
  const parts = await partsOf(job, { text, sounds: tracks, end, dir })
  for (const [at, rendition] of renditions.entries()) {
    const file = {
      tracks: [pictureOf(plan, rendition), ...parts.tracks],
      duration: Math.max(end, parts.end),
      title: plan.metadata.tags['title'] ?? '',
      attached: parts.attached,
      chapters: chapterElement(text.chapters),
      tags: tagsOf(plan.metadata),
    }
    const onProgress = (done: number) => job.onProgress?.((at + done) / renditions.length)
    await writeMatroska(rendition.out, file, { signal, onProgress })
    await checkWritten(rendition.out, file)
  }
  return { notes: [...text.notes, ...parts.notes], sounds }
}

const pictureOf = (plan: Plan, { facts, chunks, tracks, expected }: CheckedRendition): WrittenTrack =>
  pictureTrack({
    plan,
    chunks: chunks.map((path, at) => ({ path, track: tracks[at]! })),
    joined: expected,
    codec: codecOf(facts.codec).matroska,
  })

function spanOf({ packets: { times } }: MatroskaTrack): Span {
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  const step = times.length > 1 ? last - times.at(-2)! : 0
  const start = first - MATROSKA_SOUND_OFFSET_S * 1000
  return { times: Float64Array.of(start), duration: last + step - first, timescale: 1000 }
}

interface Parts {
  readonly tracks: readonly WrittenTrack[]
  readonly attached: readonly Attached[]
  readonly notes: readonly string[]
  /** When the last of the pictures that are not encoded ends, ms. */
  readonly end: number
}

/** Everything but the picture, which all renditions share. */
async function partsOf(
  { plan, extra }: Pick<MergeJob, 'plan' | 'extra'>,
  of: {
    readonly text: FilmText
    readonly sounds: readonly MatroskaTrack[]
    readonly end: number
    readonly dir: string
  },
): Promise<Parts> {
  const { text, sounds, end, dir } = of
  const { pictures = [], subtitles: wanted = [] } = plan.kept ?? {}
  const facts = soundFacts(plan)
  if (sounds.length !== facts.length)
    throw new AttemptFailed('verify_failed', `${sounds.length} audio tracks, expected ${facts.length}`)
  const audio = sounds.map((track, at) => soundTrack(track, facts[at]!, MATROSKA_SOUND_OFFSET_S * 1000))
  const kept = await keptIn(extra, text, { pictures, subtitles: wanted })
  const further = pictures.flatMap((facts) => {
    const track = kept.tracks.get(facts.stream)
    return track ? [{ facts, lost: track.lost, track: copiedPicture(track, facts) }] : []
  })
  const onFilm = (ms: number) =>
    (closedSeconds(ms / 1000 - cutOffset(plan), plan.jumps, plan.time_base) - zeroOf(plan)) * 1000
  const copied = wanted.flatMap((facts) => {
    const track = kept.tracks.get(facts.stream)
    return track ? [{ facts, track: subtitleTrack(track, facts, { onFilm, end }) }] : []
  })
  const subtitles = [...copied, ...(await textTracks(text, dir))].sort((a, b) => a.facts.stream - b.facts.stream)
  const isLost = ({ stream }: { readonly stream: number }) => !kept.tracks.has(stream)
  return {
    tracks: [...further.map(({ track }) => track), ...audio, ...subtitles.map(({ track }) => track)],
    attached: [...(await coversOf(text, plan, dir)), ...kept.attached],
    notes: [
      ...pictures
        .filter(isLost)
        .map((facts) => `${pictureName(facts)} is left out after all: it cannot be copied with its times.`),
      ...wanted
        .filter(isLost)
        .map((facts) => `${trackName(facts)} is left out: the ffmpeg of the peer that read it cannot copy it.`),
      ...further.flatMap(lostPictures),
    ],
    end: Math.max(0, ...further.map(({ track }) => endOf(track))),
  }
}

/** When the last picture of a track has been shown about as long as the others, ms. */
function endOf({ packets: { times } }: WrittenTrack): number {
  const [first, last] = times.reduce(([min, max], time) => [Math.min(min, time), Math.max(max, time)], [Infinity, 0])
  return last + Math.round((last - first) / Math.max(1, times.length - 1))
}

/** `Video track 1 (h264, deu)`. */
const pictureName = ({ stream, codec, language }: FurtherPicture): string =>
  `Video track ${stream} (${codec}${language && `, ${language}`})`

const lostPictures = (of: { readonly facts: FurtherPicture; readonly lost: number }): string[] =>
  of.lost === 0
    ? []
    : [
        `${pictureName(of.facts)}: ${of.lost} pictures are left out, which lie before the film or are hidden by an edit list, or cannot be decoded without such.`,
      ]

const keptIn = async (
  extra: string | null,
  { keptFrom }: FilmText,
  wanted: Omit<Kept, 'attachments'>,
): Promise<FoundKept> =>
  extra === null || keptFrom === null
    ? { tracks: new Map(), attached: [] }
    : await readKept(extra, { from: keptFrom, ...wanted })

/** The text tracks of a film: their texts are written into one file. */
async function textTracks(
  { subtitles, samples }: FilmText,
  dir: string,
): Promise<{ readonly facts: SubtitleFacts; readonly track: WrittenTrack }[]> {
  const path = join(dir, 'texts')
  const bytes: Buffer[] = []
  let offset = 0
  const tracks = subtitles.map((facts, at) => {
    const shown = samples[at]!.filter(({ text }) => text !== '').map((sample) => {
      const own = Buffer.from(subRipText(sample), 'utf8')
      bytes.push(own)
      return { start: sample.start, end: sample.end, bytes: own.length }
    })
    const track = textTrack(shown, facts, { path, offset })
    offset += shown.reduce((sum, each) => sum + each.bytes, 0)
    return { facts, track }
  })
  await writeFile(path, Buffer.concat(bytes))
  return tracks
}

const COVERS: Readonly<Record<string, { readonly ending: string; readonly type: string }>> = {
  mjpeg: { ending: 'jpg', type: 'image/jpeg' },
  png: { ending: 'png', type: 'image/png' },
}

/** The covers as attached files, which is how Matroska has them. */
async function coversOf({ covers }: FilmText, plan: Plan, dir: string): Promise<Attached[]> {
  if (covers === null) return []
  const path = join(dir, 'covers.mkv')
  await writeFile(path, covers)
  const { tracks } = await readMatroska(path)
  return plan.metadata.covers.flatMap(({ codec }, at) => {
    const packets = tracks[at]?.packets
    const form = COVERS[codec]
    if (!form || !packets || packets.sizes.length === 0) return []
    const name = `cover${at === 0 ? '' : `-${at + 1}`}.${form.ending}`
    return [{ name, type: form.type, path, offset: packets.offsets[0]!, size: packets.sizes[0]! }]
  })
}

/** Reads a written file back and compares every packet with what was to be written. Throws `verify_failed`. */
async function checkWritten(
  out: string,
  { tracks, attached }: { readonly tracks: readonly WrittenTrack[]; readonly attached: readonly Attached[] },
): Promise<void> {
  const broken = (what: string) => new AttemptFailed('verify_failed', `the Matroska file: ${what}`)
  const got = await matroskaOf(out)
  if (got.tracks.length !== tracks.length) throw broken(`${got.tracks.length} tracks, expected ${tracks.length}`)
  for (const [at, { packets }] of tracks.entries()) {
    const { entry, packets: own } = got.tracks[at]!
    if (own.sizes.length !== packets.sizes.length)
      throw broken(`track ${at}: ${own.sizes.length} packets, expected ${packets.sizes.length}`)
    if (numberOf(entry, ID.trackNumber, 0) !== at + 1) throw broken('tracks in another order')
    for (const field of ['times', 'sizes', 'durations', 'keys'] as const)
      if (packets[field].some((value, number) => own[field][number] !== value))
        throw broken(`track ${at}: other ${field}`)
  }
  const isOther = ({ name, size }: Attached, at: number) =>
    got.attached[at]?.size !== size || got.attached[at]?.name !== name
  if (got.attached.length !== attached.length || attached.some(isOther)) throw broken('other attached files')
  const bytes = tracks.reduce((sum, { packets }) => packets.sizes.reduce((all, size) => all + size, sum), 0)
  if ((await stat(out)).size < bytes) throw broken('fewer bytes than its packets')
}
