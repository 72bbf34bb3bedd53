/**
 * Joins a short film without a process: the pictures of its chunks behind one another, with the sound as a second track, as ffmpeg's merge writes them. A start of
 * ffmpeg takes longer than all else at the merge of a short film. What has text, covers, chapters, titles of tracks, or tags other than `film-tags.ts` writes and the time of
 * its recording, is left to ffmpeg. ISO/IEC 14496-12.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { MergeJob } from '../protocol/media.ts'
import { type Plan, sinceStart } from '../protocol/plan.ts'
import { isShortFilm } from '../protocol/short-film.ts'
import { soundFacts } from '../protocol/sound-plan.ts'
import { changedBox, whole } from './change-box.ts'
import { codecOfEntry } from './codecs/codecs.ts'
import { MOVIE_TIMESCALE } from './commands/argument.ts'
import { areTagsWritten, tagsBox } from './film-tags.ts'
import { DURATION_AT, type JoinedTrack, joinTracks, SAMPLE_TABLE } from './joined-track.ts'
import { type Box, children, movieTimescale, need, readMoov, readTrack, type Track, tryFind } from './mp4.ts'
import { box, fullBox, packedLanguage, u32, u32s } from './package/box.ts'
import { rescale } from './rational.ts'
import { readStretch, stretchesOf } from './sample-bytes.ts'

/** Seconds of a track that lie behind one another. */
const STRETCH_S = 0.5
/** A file whose positions fit 32 bits. */
const BYTES_MAX = 2 ** 32 - 1
/** Seconds from 1904, where the times of MP4 begin, to 1970. */
const EPOCH_S = 2_082_844_800
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/
/** Boxes of a moov that are written anew. */
const WRITTEN: ReadonlySet<string> = new Set(['mvhd', 'trak', 'udta'])
/** Where a version 0 header has the number of its track, its times, and `mdhd` its language, bytes. */
const AT = { id: 12, times: 4, language: 20, mvhdDuration: 16, nextTrack: 96 }

/** Where the body of the only sample entry begins in `stsd`, and where that of a picture names its encoder, bytes. */
const STSD_ENTRY = 16
const ENCODER = { from: 42, to: 74 }

/** Whether a film has only what is written here: one picture, at most one sound, the time of the recording, and other usual tags. */
export function isJoinedAlone({ plan, extra }: Pick<MergeJob, 'plan' | 'extra'>): boolean {
  const { lead, metadata } = plan
  const { tags, picture, covers } = metadata
  const { creation_time, ...others } = tags
  const sounds = soundFacts(plan)
  return (
    isShortFilm(plan) && lead === 0 && extra === null && covers.length === 0 && areTagsWritten(others) &&
    (creation_time === undefined || UTC.test(creation_time)) &&
    picture.language === '' && picture.title === '' && picture.timecode === null && isPlainFlags(picture.flags) &&
    sounds.length <= 1 && sounds.every(({ title, language, flags }) => title === '' && /^(?:[a-z]{3})?$/.test(language) && isPlainFlags(flags))
  ) // biome-ignore format: conditions by what they are about
}

const isPlainFlags = (flags: readonly string[]): boolean => flags.every((flag) => flag === 'default')

/** One file that is joined: its moov, and its only track. */
interface Part {
  readonly handle: FileHandle
  readonly moov: Buffer
  readonly track: Track
}

/** A track of the film, and the files that it is made of. */
interface Source extends JoinedTrack {
  readonly parts: readonly Part[]
}

/**
 * Writes `out` from the files of the picture, one for each chunk, and that of the sound, if any. Answers whether it did: not where the header of one
 * counts in other ticks, as a peer of another version may write it, or the result were larger than 4 GiB. Rejects with `Mp4Broken`, or with the error of the file system.
 */
export async function joinAlone(job: {
  plan: Plan
  chunks: readonly string[]
  audio: string | null
  out: string
}): Promise<boolean> {
  const handles: FileHandle[] = []
  try {
    const sources: Source[] = []
    let bytes = 0
    for (const paths of [job.chunks, ...(job.audio === null ? [] : [[job.audio]])]) {
      const parts: Part[] = []
      for (const path of paths) {
        const handle = await open(path, 'r')
        handles.push(handle)
        const part = await partOf(handle)
        if (part === null) return false
        parts.push(part)
        bytes += 2 * part.moov.length + bytesOf(part.track.sizes)
      }
      const pieces = parts.map(({ moov, track }, at) => ({
        trak: need(moov, 'trak'),
        track,
        begins: parts.length === 1 ? 0 : beginOf(job.plan, at),
      }))
      const joined = joinTracks(pieces, MOVIE_TIMESCALE)
      if (joined === null || bytes > BYTES_MAX) return false
      sources.push({ ...joined, parts })
    }
    await write(sources, job)
    return true
  } finally {
    for (const handle of handles) await handle.close()
  }
}

async function partOf(handle: FileHandle): Promise<Part | null> {
  const { body: moov } = await readMoov(handle)
  const traks = children(moov).filter(({ type }) => type === 'trak')
  const [trak] = traks
  if (!trak || traks.length > 1 || tryFind(moov, 'mvex') !== undefined || movieTimescale(moov) !== MOVIE_TIMESCALE)
    return null
  const { size } = await handle.stat()
  const edits = tryFind(trak.body, 'edts/elst')
  const headers = [need(moov, 'mvhd'), need(trak.body, 'tkhd'), need(trak.body, 'mdia/mdhd'), ...(edits ? [edits] : [])]
  if (headers.some((header) => header[0] !== 0) || (edits?.readUInt32BE(4) ?? 1) !== 1) return null
  return {
    handle,
    moov,
    track: readTrack(trak.body, { movieScale: MOVIE_TIMESCALE, fileBytes: size, bytesLeft: size }),
  }
}

/** When the first picture of a chunk is shown, ticks of the results. */
const beginOf = (plan: Plan, chunk: number): number =>
  rescale(sinceStart(plan, plan.chunks[chunk]!.start_pts), plan.time_base, [1, plan.track_timescale])

const bytesOf = (sizes: Uint32Array): number => sizes.reduce((sum, each) => sum + each, 0)

async function write(sources: readonly Source[], { plan, out }: { plan: Plan; out: string }): Promise<void> {
  const ftyp = await headOf(sources[0]!.parts[0]!.handle)
  const runs = interleaved(sources)
  // Positions have as many bytes whatever they are.
  const start = ftyp.length + moovOf(sources, runs, plan, 0).length + 8
  const moov = moovOf(sources, runs, plan, start)
  const handle = await open(out, 'wx')
  try {
    await handle.writeFile(
      Buffer.concat([ftyp, moov, u32(8 + runs.reduce((sum, { bytes }) => sum + bytes, 0)), Buffer.from('mdat')]),
    )
    for (const { source, from, to } of runs) {
      let first = 0
      for (const { handle: part, track } of sources[source]!.parts) {
        const [begin, end] = [Math.max(0, from - first), Math.min(track.sizes.length, to - first)]
        first += track.sizes.length
        if (begin >= end) continue
        for (const stretch of stretchesOf(track, begin, end))
          await readStretch(part, stretch, (bytes) => handle.writeFile(bytes))
      }
    }
  } finally {
    await handle.close()
  }
}

/** The `ftyp` of a file, which ffmpeg writes first. */
async function headOf(handle: FileHandle): Promise<Buffer> {
  const head = Buffer.alloc(8)
  await handle.read(head, 0, 8, 0)
  const ftyp = Buffer.alloc(head.readUInt32BE(0))
  await handle.read(ftyp, 0, ftyp.length, 0)
  return ftyp
}

/** Samples `[from, to)` of a track, which lie behind one another: a chunk, as MP4 calls it. */
interface Run {
  readonly source: number
  readonly from: number
  readonly to: number
  readonly bytes: number
}

/** The samples of all tracks in turn, `STRETCH_S` of each. */
function interleaved(tracks: readonly Source[]): Run[] {
  const runs: Run[] = []
  const next = tracks.map(() => 0)
  for (let until = STRETCH_S; tracks.some(({ sizes }, at) => next[at]! < sizes.length); until += STRETCH_S)
    for (const [source, { sizes, duration, timescale }] of tracks.entries()) {
      const from = next[source]!
      // Samples are about equally long: only how a player reads depends on it.
      const to = Math.min(sizes.length, Math.ceil((until * timescale * sizes.length) / Math.max(1, duration)))
      next[source] = Math.max(from, to)
      if (to > from) runs.push({ source, from, to, bytes: bytesOf(sizes.subarray(from, to)) })
    }
  return runs
}

function moovOf(sources: readonly Source[], runs: readonly Run[], plan: Plan, start: number): Buffer {
  const seconds = secondsOf(plan)
  const { moov } = sources[0]!.parts[0]!
  const positions: number[] = []
  for (let at = start, n = 0; n < runs.length; at += runs[n++]!.bytes) positions.push(at)
  const [sound] = soundFacts(plan)
  const traks = sources.map(({ trak }, source) => {
    const own = runs.flatMap((run, at) =>
      run.source === source ? [{ samples: run.to - run.from, position: positions[at]! }] : [],
    )
    return trakOf(trak, {
      id: source + 1,
      language: source === 0 ? '' : (sound?.language ?? ''),
      seconds,
      own,
    })
  })
  const mvhd = Buffer.from(need(moov, 'mvhd'))
  const durations = sources.map(({ trak }) => need(trak, 'tkhd').readUInt32BE(DURATION_AT.tkhd))
  mvhd.writeUInt32BE(Math.max(...durations), AT.mvhdDuration)
  mvhd.writeUInt32BE(sources.length + 1, AT.nextTrack)
  setTimes(mvhd, seconds)
  const others = children(moov).filter(({ type }) => !WRITTEN.has(type))
  return box('moov', box('mvhd', mvhd), ...traks, ...others.map(whole), tagsBox(plan.metadata.tags))
}

interface TrakJob {
  readonly id: number
  readonly language: string
  readonly seconds: number
  readonly own: readonly { readonly samples: number; readonly position: number }[]
}

function trakOf(trak: Buffer, { id, language, seconds, own }: TrakJob): Buffer {
  const headed = changedBox(trak, ['tkhd'], (tkhd) => {
    const changed = setTimes(Buffer.from(tkhd), seconds)
    changed.writeUInt32BE(id, AT.id)
    return changed
  })
  const named = changedBox(headed, ['mdia', 'mdhd'], (mdhd) => {
    const changed = setTimes(Buffer.from(mdhd), seconds)
    changed.writeUInt16BE(packedLanguage(language), AT.language)
    return changed
  })
  return box(
    'trak',
    changedBox(named, SAMPLE_TABLE, (stbl) => placed(stbl, own)),
  )
}

/** A sample table with these positions, and without the name of the encoder, which is none of the result's. */
function placed(stbl: Buffer, own: TrakJob['own']): Buffer {
  const firsts = own.flatMap(({ samples }, at) => (samples === own[at - 1]?.samples ? [] : [[at + 1, samples, 1]]))
  const table: Readonly<Record<string, Buffer>> = {
    stsc: fullBox('stsc', 0, 0, u32(firsts.length), u32s(firsts.flat())),
    stco: fullBox('stco', 0, 0, u32(own.length), u32s(own.map(({ position }) => position))),
  }
  return Buffer.concat(
    children(stbl).map((each) => table[each.type] ?? (each.type === 'stsd' ? unnamed(each) : whole(each))),
  )
}

function unnamed({ type, body }: Box): Buffer {
  const changed = Buffer.from(body)
  if (codecOfEntry(changed.toString('latin1', STSD_ENTRY - 4, STSD_ENTRY)) !== null)
    changed.fill(0, STSD_ENTRY + ENCODER.from, STSD_ENTRY + ENCODER.to)
  return box(type, changed)
}

/** The time of the recording, seconds since 1904; 0 where the plan has none. */
const secondsOf = ({ metadata }: Plan): number => {
  const time = metadata.tags['creation_time']
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000) + EPOCH_S
}

/** Sets when a header was created and changed, as version 0 has it. */
function setTimes(header: Buffer, seconds: number): Buffer {
  header.writeUInt32BE(seconds, AT.times)
  header.writeUInt32BE(seconds, AT.times + 4)
  return header
}
