/**
 * What files of older containers promise, and whether their bytes are there. Each function answers what the whole promised where the file
 * was cut off, else null; a field that is out of reach is a `RangeError`.
 */
import type { FileHandle } from 'node:fs/promises'

/** What a cut-off file promised. */
export interface Promised {
  /** Length of the whole, seconds; null where nothing says it. */
  readonly seconds: number | null
  /** Pictures of the whole; null where nothing says it. */
  readonly frames: number | null
}

type Answer = Promise<Promised | null>

const NOTHING: Promised = { seconds: null, frames: null }

async function read(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const start = Math.max(0, from)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, start)
  return buffer.subarray(0, bytesRead)
}

/** Bytes at either end of a file in which its header, or its last packets, lie. */
const END_BYTES = 256 * 1024

/** AVI: the length of the last RIFF chunk, and the main header's number of frames. Pipes write 0 or all ones. */
export async function aviPromise(handle: FileHandle, fileBytes: number): Answer {
  for (let at = 0; at + 12 <= fileBytes; ) {
    const chunk = await read(handle, at, 12)
    if (chunk.toString('latin1', 0, 4) !== 'RIFF') return null
    const length = chunk.readUInt32LE(4)
    if (length === 0 || length === 0xffff_ffff) return null
    at += 8 + length + (length % 2)
    if (at <= fileBytes + 1) continue
    const head = await read(handle, 0, END_BYTES)
    const avih = head.indexOf('avih', 0, 'latin1')
    const [microseconds, frames] = [head.readUInt32LE(avih + 8), head.readUInt32LE(avih + 24)]
    return avih < 0 ? NOTHING : { seconds: (microseconds * frames) / 1e6 || null, frames: frames || null }
  }
  return null
}

const FLV_TAG_HEADER_BYTES = 11

/** FLV: every tag is followed by its length, the last one too; the metadata say how long the film is. */
export async function flvPromise(handle: FileHandle, fileBytes: number, duration_s: number): Answer {
  const length = (await read(handle, fileBytes - 4, 4)).readUInt32BE(0)
  const start = fileBytes - 4 - length
  if (length >= FLV_TAG_HEADER_BYTES && start >= 9) {
    const tag = await read(handle, start, 4)
    if ([8, 9, 18].includes(tag[0]! & 31) && tag.readUIntBE(1, 3) + FLV_TAG_HEADER_BYTES === length) return null
  }
  return { seconds: duration_s > 0 ? duration_s : null, frames: null }
}

const ASF_FILE_PROPERTIES = Buffer.from('a1dcab8c47a9cf118ee400c00c205365', 'hex')

/** ASF: the size and length of the file properties, unless they belong to a broadcast. */
export async function asfPromise(handle: FileHandle, fileBytes: number): Answer {
  const head = await read(handle, 0, END_BYTES)
  const at = head.indexOf(ASF_FILE_PROPERTIES)
  if (at < 0 || (head.readUInt32LE(at + 88) & 1) !== 0) return null
  if (Number(head.readBigUInt64LE(at + 40)) <= fileBytes) return null
  const seconds = Number(head.readBigUInt64LE(at + 64)) / 1e7 - Number(head.readBigUInt64LE(at + 80)) / 1e3
  return { seconds: seconds > 0 ? seconds : null, frames: null }
}

/** Ogg: the last page is not whole. */
export async function oggPromise(handle: FileHandle, fileBytes: number): Answer {
  const from = Math.max(0, fileBytes - END_BYTES)
  const end = await read(handle, from, END_BYTES)
  const at = end.lastIndexOf('OggS')
  if (at < 0) return null
  const segments = end[at + 26]
  if (segments === undefined || at + 27 + segments > end.length) return NOTHING
  const length = end.subarray(at + 27, at + 27 + segments).reduce((sum, bytes) => sum + bytes, 27 + segments)
  return from + at + length > fileBytes ? NOTHING : null
}

const MXF_PARTITION = Buffer.from('060e2b34020501010d01020101', 'hex')

/** MXF: the header's partition names the place of the footer. */
export async function mxfPromise(handle: FileHandle, fileBytes: number): Answer {
  const head = await read(handle, 0, END_BYTES)
  const at = head.indexOf(MXF_PARTITION)
  if (at < 0) return null
  const first = head[at + 16] ?? 0
  const value = at + 17 + (first >= 0x80 ? first & 0x7f : 0)
  const footer = Number(head.readBigUInt64BE(value + 24))
  return footer >= fileBytes ? NOTHING : null
}

/** Transport streams: packets of one size, the last of which is not whole. */
export async function transportPromise(handle: FileHandle, fileBytes: number): Answer {
  const head = await read(handle, 0, 1024)
  const stride = [188, 192, 204].find((bytes) => {
    const at = bytes === 192 ? 4 : 0
    return head[at] === 0x47 && head[at + bytes] === 0x47 && head[at + 2 * bytes] === 0x47
  })
  if (stride === undefined || fileBytes % stride === 0) return null
  // A recorder may leave other bytes behind: only the beginning of a packet counts.
  const [sync] = await read(handle, fileBytes - (fileBytes % stride) + (stride === 192 ? 4 : 0), 1)
  return sync === 0x47 ? NOTHING : null
}

/** Program streams: the lengths of the last packets lead beyond the end. */
export async function programPromise(handle: FileHandle, fileBytes: number): Answer {
  const from = Math.max(0, fileBytes - END_BYTES)
  const end = await read(handle, from, END_BYTES)
  let at = end.indexOf(Buffer.from([0, 0, 1, 0xba]))
  while (at >= 0 && at + 6 <= end.length && end.readUIntBE(at, 3) === 1) {
    const code = end[at + 3]!
    // A pack header has no length: 12 bytes of MPEG-1, 14 and stuffing of MPEG-2. The end code has none either.
    if (code === 0xba) at += (end[at + 4]! & 0xc0) === 0x40 ? 14 + (end[at + 13]! & 7) : 12
    else if (code === 0xb9) at += 4
    else at += 6 + end.readUInt16BE(at + 4)
  }
  return at > end.length ? NOTHING : null
}
