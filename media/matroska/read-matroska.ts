/**
 * Reads the tracks of a Matroska file and where each of its packets lies: of a file that ffmpeg or `write-matroska.ts` has written. Laced
 * packets are refused: neither writes them.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { fsPath } from '../../protocol/path-text.ts'
import { bodiesOf, bodyOf, type ElementHead, elementsIn, elementsOf, numberOf, readVint, textOf } from '../ebml.ts'
import { ID } from './elements.ts'

/** Thrown where a file is none that is read here. */
export class MatroskaBroken extends Error {}

/** The packets of a track, in the order of the file. Times are ms. */
export interface Packets {
  /** Files by number, and for each packet the number of its own; null where there is only one. */
  readonly files: readonly string[]
  readonly file: Uint32Array | null
  readonly times: Float64Array
  /** ms; -1 where the file does not say. */
  readonly durations: Float64Array
  /** Bytes of each packet, and its position in its file. */
  readonly sizes: Uint32Array
  readonly offsets: Float64Array
  /** 1 for a packet that needs no other one. */
  readonly keys: Uint8Array
}

/** A track of a Matroska file. */
export interface MatroskaTrack {
  readonly kind: 'video' | 'audio' | 'subtitle' | 'other'
  /** The body of its entry. */
  readonly entry: Buffer
  readonly packets: Packets
}

/** A file that is attached: its bytes are those of the file that was read, from `offset` on. */
export interface Attached {
  readonly name: string
  readonly type: string
  readonly path: string
  /** Position of its first byte, bytes. */
  readonly offset: number
  /** Bytes. */
  readonly size: number
}

/** What a file holds. */
export interface MatroskaFile {
  readonly tracks: readonly MatroskaTrack[]
  readonly attached: readonly Attached[]
  /** '' where it has none. */
  readonly title: string
  /** ms. */
  readonly duration: number
}

const KINDS: Readonly<Record<number, MatroskaTrack['kind']>> = { 1: 'video', 2: 'audio', 17: 'subtitle' }
/** A cluster of ffmpeg has 5 MB at most, of which a single packet of a picture may be more. */
const CLUSTER_BYTES_MAX = 512 * 1024 * 1024
const HEAD_BYTES_MAX = 64 * 1024 * 1024

/** Reads a file that begins at the position `from`, bytes. Rejects with `MatroskaBroken`, or the error of the file system. */
export async function readMatroska(path: string, from = 0): Promise<MatroskaFile> {
  const handle = await open(fsPath(path), 'r')
  try {
    const { size } = await handle.stat()
    const [ebml, segment] = await Array.fromAsync(elementsIn(handle, from, size, 2))
    if (ebml?.id !== ID.ebml || segment?.id !== ID.segment) throw new MatroskaBroken('no Matroska file')
    const end = segment.length === null ? size : segment.start + segment.length
    if (end > size) throw new MatroskaBroken('the file is cut off')
    const reading = new Reading(path)
    for await (const each of elementsIn(handle, segment.start, end, Number.POSITIVE_INFINITY))
      await reading.take(handle, each)
    return reading.done()
  } finally {
    await handle.close()
  }
}

interface Growing {
  readonly entry: Buffer
  readonly rows: { times: number[]; durations: number[]; sizes: number[]; offsets: number[]; keys: number[] }
}

class Reading {
  readonly #path: string
  readonly #tracks = new Map<number, Growing>()
  readonly #attached: Attached[] = []
  #scale = 1
  #title = ''
  #duration = 0

  constructor(path: string) {
    this.#path = path
  }

  async take(handle: FileHandle, element: ElementHead): Promise<void> {
    const { id } = element
    if (id === ID.cluster) this.#cluster(await whole(handle, element, CLUSTER_BYTES_MAX), element.start)
    if (id === ID.info) {
      const info = await whole(handle, element, HEAD_BYTES_MAX)
      this.#scale = numberOf(info, ID.scale, 1_000_000) / 1e6
      this.#title = textOf(info, ID.title)
      const duration = bodiesOf(info, ID.duration)[0]
      this.#duration = duration?.length === 8 ? duration.readDoubleBE() * this.#scale : 0
    }
    if (id === ID.tracks)
      for (const entry of bodiesOf(await whole(handle, element, HEAD_BYTES_MAX), ID.trackEntry))
        this.#tracks.set(numberOf(entry, ID.trackNumber, 0), {
          entry,
          rows: { times: [], durations: [], sizes: [], offsets: [], keys: [] },
        })
    if (id === ID.attachments && element.length !== null)
      this.#attached.push(...(await attachedIn(handle, element, this.#path)))
  }

  done(): MatroskaFile {
    const tracks = [...this.#tracks.values()].map(({ entry, rows }): MatroskaTrack => {
      const { times, durations, sizes, offsets, keys } = rows
      return {
        kind: KINDS[numberOf(entry, ID.trackType, 0)] ?? 'other',
        entry,
        packets: {
          files: [this.#path],
          file: null,
          times: Float64Array.from(times),
          durations: Float64Array.from(durations),
          sizes: Uint32Array.from(sizes),
          offsets: Float64Array.from(offsets),
          keys: Uint8Array.from(keys),
        },
      }
    })
    return { tracks, attached: this.#attached, title: this.#title, duration: this.#duration }
  }

  #cluster(body: Buffer, start: number): void {
    const time = numberOf(body, ID.timestamp, 0)
    for (const { id, body: inner } of elementsOf(body)) {
      const block = id === ID.simpleBlock ? inner : id === ID.blockGroup ? bodiesOf(inner, ID.block)[0] : undefined
      if (!block) continue
      const group = id === ID.blockGroup ? inner : null
      const track = readVint(block)
      const rows = track && this.#tracks.get(track.value)?.rows
      if (!rows || block.length < track.bytes + 3) throw new MatroskaBroken('a packet of no track')
      const flags = block[track.bytes + 2]!
      if ((flags & 0x06) !== 0) throw new MatroskaBroken('laced packets')
      const data = track.bytes + 3
      const duration = group === null ? -1 : numberOf(group, ID.blockDuration, -1)
      rows.times.push((time + block.readInt16BE(track.bytes)) * this.#scale)
      rows.durations.push(duration < 0 ? -1 : duration * this.#scale)
      rows.sizes.push(block.length - data)
      rows.offsets.push(start + (block.byteOffset - body.byteOffset) + data)
      rows.keys.push(Number(group === null ? (flags & 0x80) !== 0 : bodiesOf(group, ID.reference).length === 0))
    }
  }
}

async function whole(handle: FileHandle, element: ElementHead, max: number): Promise<Buffer> {
  if (element.length === null || element.length > max) throw new MatroskaBroken('an element without a length')
  const body = await bodyOf(handle, element, max)
  if (body.length < element.length) throw new MatroskaBroken('the file is cut off')
  return body
}

/** The files that an element of attachments holds, without their bytes. Rejects with the error of the file system. */
export async function attachedIn(handle: FileHandle, element: ElementHead, path: string): Promise<Attached[]> {
  const found: Attached[] = []
  const within = ({ start, length }: ElementHead) => elementsIn(handle, start, start + (length ?? 0), ATTACHED_MAX)
  for await (const file of within(element)) {
    if (file.id !== ID.attachedFile) continue
    const parts = new Map<number, ElementHead>()
    for await (const part of within(file)) parts.set(part.id, part)
    const text = async (id: number) => {
      const part = parts.get(id)
      return part ? (await bodyOf(handle, part, TEXT_BYTES_MAX)).toString('utf8').replace(/\0.*$/s, '') : ''
    }
    const data = parts.get(ID.fileData)
    const [name, type] = [await text(ID.fileName), await text(ID.fileType)]
    if (data) found.push({ name, type, path, offset: data.start, size: data.length ?? 0 })
  }
  return found
}

/** Number of files, and bytes of a name; a film with fonts has some dozens. */
const ATTACHED_MAX = 1_000
const TEXT_BYTES_MAX = 1_024
