/**
 * What is read of Matroska without ffmpeg: the subtitle tracks that ffmpeg decoded into it, with exact times, and of a source the
 * chapters and the names of its codecs, which ffmpeg does not give in full. Pure, but for the walk over a source's elements.
 */
import { open } from 'node:fs/promises'
import type { ChapterFacts } from '../../protocol/media.ts'
import { fsPath } from '../../protocol/path-text.ts'
import { bodiesOf, bodyOf, elementsIn, elementsOf, numberOf, readVint, SEGMENT, textOf } from '../ebml.ts'

const ID = {
  ebml: 0x1a45dfa3, tracks: 0x1654ae6b, trackEntry: 0xae, trackType: 0x83, codecId: 0x86, codecPrivate: 0x63a2,
  cluster: 0x1f43b675, timestamp: 0xe7, blockGroup: 0xa0, block: 0xa1, blockDuration: 0x9b, simpleBlock: 0xa3,
  chapters: 0x1043a770, edition: 0x45b9, isDefault: 0x45db, isOrdered: 0x45dd, atom: 0xb6, atomStart: 0x91, atomEnd: 0x92,
  atomEnabled: 0x4598, atomSegment: 0x6e67, display: 0x80, title: 0x85,
} as const // biome-ignore format: groups

/** One event of a track as ffmpeg decoded it: times in ms, `end` null where it has none; the fields of an ASS event, bytes. */
export interface DecodedEvent {
  readonly start: number
  readonly end: number | null
  readonly fields: Buffer
}

/** A track that ffmpeg decoded: its ASS header and events. */
export interface DecodedTrack {
  readonly header: Buffer
  readonly events: readonly DecodedEvent[]
  /** It has more events than were asked for. */
  readonly hasMore: boolean
}

/** A display of this many ms has no end: ffmpeg's decoders of broadcast text write the largest number. */
const ENDLESS_MS = 2 ** 32 - 2

/** Reads a Matroska file with one subtitle track, whose times are in ms. At most `eventsMax` events; null where it is no such file. */
export function readDecodedTrack(bytes: Buffer, eventsMax: number): DecodedTrack | null {
  const segment = bodiesOf(bytes, SEGMENT)[0]
  const entry = segment && bodiesOf(segment, ID.tracks).flatMap((tracks) => bodiesOf(tracks, ID.trackEntry))[0]
  if (!segment || !entry) return null
  const events: DecodedEvent[] = []
  for (const cluster of bodiesOf(segment, ID.cluster)) {
    const time = numberOf(cluster, ID.timestamp, 0)
    for (const { id, body } of elementsOf(cluster)) {
      if (events.length >= eventsMax) return { header: headerOf(entry), events, hasMore: true }
      const block = id === ID.simpleBlock ? body : id === ID.blockGroup ? bodiesOf(body, ID.block)[0] : undefined
      const event = block && readBlock(block, time, id === ID.blockGroup ? numberOf(body, ID.blockDuration, 0) : 0)
      if (event) events.push(event)
    }
  }
  return { header: headerOf(entry), events, hasMore: false }
}

const headerOf = (entry: Buffer): Buffer => bodiesOf(entry, ID.codecPrivate)[0] ?? Buffer.alloc(0)

function readBlock(block: Buffer, clusterTime: number, duration: number): DecodedEvent | null {
  const track = readVint(block)
  if (!track || block.length < track.bytes + 3) return null
  const start = clusterTime + block.readInt16BE(track.bytes)
  return { start, end: duration >= ENDLESS_MS ? null : start + duration, fields: block.subarray(track.bytes + 3) }
}

/** What a Matroska source says of itself. */
export interface MatroskaFacts {
  /** The codec id of each of ffmpeg's streams, by index; attachments come after them. */
  readonly codecIds: readonly string[]
  /** All chapters of its default edition, whatever their order; ms. */
  readonly chapters: readonly ChapterFacts[]
  /** The chapters are to be played in the order of their list, not in that of the file. */
  readonly isOrdered: boolean
}

/** Elements of a segment that are passed over at most: those of a day of film, and time for a hostile file. */
const ELEMENTS_MAX = 200_000
/** Bytes of tracks or chapters that are read; files with thousands of chapters have a hundredth. */
const BODY_BYTES_MAX = 16 * 1024 * 1024

/** Reads the head elements of a Matroska file; null for any other file. Rejects with the error of the file system. */
export async function readMatroskaFacts(path: string, signal: AbortSignal): Promise<MatroskaFacts | null> {
  const handle = await open(fsPath(path), 'r')
  try {
    const { size } = await handle.stat()
    const [ebml, segment] = await Array.fromAsync(elementsIn(handle, 0, size, 2))
    if (ebml?.id !== ID.ebml || segment?.id !== SEGMENT) return null
    const bodies = new Map<number, Buffer>()
    for await (const element of elementsIn(handle, segment.start, size, ELEMENTS_MAX)) {
      signal.throwIfAborted()
      const { id, length } = element
      const isWanted = (id === ID.tracks || id === ID.chapters) && !bodies.has(id)
      if (isWanted && length !== null && length <= BODY_BYTES_MAX)
        bodies.set(id, await bodyOf(handle, element, BODY_BYTES_MAX))
    }
    return { codecIds: codecIdsOf(bodies.get(ID.tracks)), ...chaptersIn(bodies.get(ID.chapters)) }
  } finally {
    await handle.close()
  }
}

/** Types of tracks that ffmpeg makes a stream of: picture, sound, subtitle, metadata. */
const STREAM_TYPES = [1, 2, 0x11, 0x21]

const codecIdsOf = (tracks: Buffer = Buffer.alloc(0)): string[] =>
  bodiesOf(tracks, ID.trackEntry)
    .filter((entry) => STREAM_TYPES.includes(numberOf(entry, ID.trackType, 0)))
    .map((entry) => textOf(entry, ID.codecId))

/** The chapters of the default edition, else of the first. Disabled and linked ones (of another file) are none. */
export function chaptersIn(body: Buffer = Buffer.alloc(0)): Pick<MatroskaFacts, 'chapters' | 'isOrdered'> {
  const editions = bodiesOf(body, ID.edition)
  const edition = editions.find((each) => numberOf(each, ID.isDefault, 0) === 1) ?? editions[0]
  if (!edition) return { chapters: [], isOrdered: false }
  return { chapters: atomsIn(edition), isOrdered: numberOf(edition, ID.isOrdered, 0) === 1 }
}

/** Chapters within chapters too; deeper ones than files have are a hostile file's. */
function atomsIn(body: Buffer, depth = 0): ChapterFacts[] {
  return bodiesOf(body, ID.atom).flatMap((atom) => {
    const isShown = numberOf(atom, ID.atomEnabled, 1) === 1 && bodiesOf(atom, ID.atomSegment).length === 0
    const [start, end] = [numberOf(atom, ID.atomStart, 0), numberOf(atom, ID.atomEnd, Number.NaN)]
    const display = bodiesOf(atom, ID.display)[0] ?? Buffer.alloc(0)
    const own = { start: start / 1e6, end: Number.isNaN(end) ? null : end / 1e6, title: textOf(display, ID.title) }
    return [...(isShown ? [own] : []), ...(depth < 4 ? atomsIn(atom, depth + 1) : [])]
  })
}
