/**
 * The boxes of a stranger's MP4 or QuickTime file, as far as they are there: cut-off and damaged files answer what can be read of them. What
 * Reelmesh itself makes is read, strictly, by `mp4.ts`. ISO/IEC 14496-12.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { fsPath } from '../protocol/path-text.ts'

/** A box of the file itself. */
export interface TopBox {
  readonly type: string
  /** Position of its first byte. */
  readonly start: number
  /** Bytes that it says it has, its header included; the end of the file may come first. */
  readonly length: number
  /** Bytes of its header. */
  readonly header: number
}

/** Number of boxes read: a live recording of a day has a fragment each second. */
const TOP_MAX = 400_000
/** Bound of a `moov` that is read. */
const MOOV_BYTES_MAX = 256 * 1024 * 1024

/** The boxes of a file in order, up to one that is damaged. */
export async function topBoxes(handle: FileHandle, fileBytes: number): Promise<TopBox[]> {
  const boxes: TopBox[] = []
  const head = Buffer.alloc(16)
  for (let at = 0; at + 8 <= fileBytes && boxes.length < TOP_MAX; ) {
    const { bytesRead } = await handle.read(head, 0, 16, at)
    const short = head.readUInt32BE(0)
    const isLong = short === 1
    // A long header that is cut off promises at least itself.
    const long = bytesRead === 16 ? Number(head.readBigUInt64BE(8)) : 16
    const length = isLong ? long : short === 0 ? fileBytes - at : short
    const type = head.toString('latin1', 4, 8)
    if (length < (isLong ? 16 : 8) || !/^[\x20-\x7e\xa9]{4}$/.test(type)) break
    boxes.push({ type, start: at, length, header: isLong ? 16 : 8 })
    at += length
  }
  return boxes
}

/** The body of a box, as far as it is there; null for one over the bound. */
export async function bodyOf(handle: FileHandle, { start, length, header }: TopBox): Promise<Buffer | null> {
  if (length > MOOV_BYTES_MAX) return null
  const body = Buffer.alloc(length - header)
  const { bytesRead } = await handle.read(body, 0, body.length, start + header)
  return body.subarray(0, bytesRead)
}

/** The boxes of a file, and the body of its `moov`, as far as it is there: empty where there is none. */
export interface FileBoxes {
  readonly boxes: readonly TopBox[]
  readonly moov: Buffer
}

/** Reads the boxes of a file when they are first asked for, and once: several checks need them. Rejects with the error of the file system. */
export function boxesOf(path: string): () => Promise<FileBoxes> {
  let reading: Promise<FileBoxes> | undefined
  return () => (reading ??= readBoxes(path))
}

async function readBoxes(path: string): Promise<FileBoxes> {
  const handle = await open(fsPath(path), 'r')
  try {
    const boxes = await topBoxes(handle, (await handle.stat()).size)
    const box = boxes.find(({ type }) => type === 'moov')
    return { boxes, moov: (box && (await bodyOf(handle, box))) ?? Buffer.alloc(0) }
  } finally {
    await handle.close()
  }
}

/** Types of top-level boxes: ISO/IEC 14496-12 and QuickTime. */
const TYPES: ReadonlySet<string> = new Set(
  'ftyp moov mdat moof mfra free skip wide uuid meta udta sidx ssix styp emsg prft pdin pnot'.split(' '),
)

/** Bytes that a file has at least, by its boxes. What cameras and taggers append behind the last one may look like one, but is of no known type. */
export function bytesPromised(boxes: readonly TopBox[]): number {
  const last = boxes.at(-1)
  return last !== undefined && TYPES.has(last.type) ? last.start + last.length : 0
}

/** A box in another. */
export interface InnerBox {
  readonly type: string
  readonly body: Buffer
}

/** The boxes in a body, up to one that is damaged; one that is cut off has what there is. */
export function innerBoxes(body: Buffer): InnerBox[] {
  const boxes: InnerBox[] = []
  for (let at = 0; at + 8 <= body.length; ) {
    const length = body.readUInt32BE(at) || body.length - at
    if (length < 8) break
    boxes.push({ type: body.toString('latin1', at + 4, at + 8), body: body.subarray(at + 8, at + length) })
    at += length
  }
  return boxes
}

/** The bodies at a path such as `trak/mdia`, in order. */
export function bodiesAt(body: Buffer, path: string): Buffer[] {
  let bodies = [body]
  for (const step of path.split('/')) {
    bodies = bodies.flatMap((each) =>
      innerBoxes(each).flatMap(({ type, body: inner }) => (type === step ? [inner] : [])),
    )
  }
  return bodies
}

/** The kind of a track by its handler: `vide`, `soun` and others; undefined where it says none. */
export const handlerOf = (trak: Buffer): string | undefined => bodiesAt(trak, 'mdia/hdlr')[0]?.toString('latin1', 8, 12)

/** The sample entries of a track. */
export const sampleEntries = (trak: Buffer): InnerBox[] =>
  bodiesAt(trak, 'mdia/minf/stbl/stsd').flatMap((stsd) => innerBoxes(stsd.subarray(8)))

/** Bytes of a visual sample entry before the boxes in it. */
export const VISUAL_ENTRY_BYTES = 78
/** The same of sound. */
export const SOUND_ENTRY_BYTES = 28

/** Four letters of a sample entry; of an encrypted one those that it would have otherwise. */
export function plainEntry({ type, body }: { type: string; body: Buffer }, isVideo: boolean): string {
  if (type !== 'encv' && type !== 'enca') return type
  const [format] = bodiesAt(body.subarray(isVideo ? VISUAL_ENTRY_BYTES : SOUND_ENTRY_BYTES), 'sinf/frma')
  return format?.toString('latin1') ?? type
}
