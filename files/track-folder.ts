/**
 * A track of a streaming package as a folder: its header, the index of its segments, and a file for each segment. Their bytes, in the order of
 * their names, are those of the one file that the mesh stores: thousands of files are one blob, and both forms have one sha256.
 */
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256 } from '../protocol/ids.ts'
import { segmentName, TRACK_HEADER, TRACK_INDEX } from '../protocol/package.ts'
import { fsPath } from '../protocol/path-text.ts'
import { flush } from './flush.ts'
import { hashFile, hashFiles, piecesOf } from './hash-file.ts'

/** A file of the folder: its name, and where its bytes lie in the one file. */
export interface TrackPart {
  readonly name: string
  /** Bytes from the start of the one file. */
  readonly offset: number
  readonly bytes: number
}

/** Most bytes of the boxes before the segments: those of an index of 65,535 segments, and a header. */
export const HEAD_BYTES_MAX = 1024 * 1024
/** Where the references of a `sidx` box of version 1 begin, and the length of each, bytes. */
const REFERENCES = { at: 40, bytes: 12 }

/** The files that the one file at `path` is divided into; null for a file of another form. Rejects with the error of the file system. */
export async function trackParts(path: string): Promise<TrackPart[] | null> {
  const file = await open(fsPath(path), 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES_MAX), 0, HEAD_BYTES_MAX, 0)
    const parts = partsOf(buffer.subarray(0, bytesRead))
    const last = parts?.at(-1)
    return last && last.offset + last.bytes === (await file.stat()).size ? parts : null
  } finally {
    await file.close()
  }
}

/** The parts by the boxes at the beginning of a file: `ftyp`, `moov`, `sidx`. ISO/IEC 14496-12. Null for another form, and where `head` ends among them. */
export function partsOf(head: Buffer): TrackPart[] | null {
  let at = 0
  while (at + 8 <= head.length && head.toString('latin1', at + 4, at + 8) !== 'sidx') {
    if (head.readUInt32BE(at) < 8) return null
    at += head.readUInt32BE(at)
  }
  if (at + REFERENCES.at > head.length) return null
  const [bytes, count] = [head.readUInt32BE(at), head.readUInt16BE(at + REFERENCES.at - 2)]
  if (bytes !== REFERENCES.at + count * REFERENCES.bytes || at + bytes > head.length) return null
  const parts: TrackPart[] = [
    { name: TRACK_HEADER, offset: 0, bytes: at },
    { name: TRACK_INDEX, offset: at, bytes },
  ]
  let offset = at + bytes
  for (let segment = 0; segment < count; segment++) {
    const length = head.readUInt32BE(at + REFERENCES.at + segment * REFERENCES.bytes)
    parts.push({ name: segmentName(segment), offset, bytes: length })
    offset += length
  }
  return parts
}

/**
 * Divides the one file `from` into the files of the new folder `to`, which only its owner may enter, flushed and with `mode`. Answers the sha256 and
 * bytes of what was written; null for a file of another form. Rejects with the error of the file system and the reason of the signal.
 */
export async function divideTrack(
  from: string,
  to: string,
  { mode, signal }: { readonly mode: number; readonly signal: AbortSignal },
): Promise<{ sha256: Sha256; bytes: number } | null> {
  const parts = await trackParts(from)
  if (parts === null) return null
  await mkdir(fsPath(to), { mode: 0o700 })
  for (const { name, offset, bytes } of parts) {
    const file = await open(fsPath(join(to, name)), 'wx', mode)
    try {
      await copyRange(from, file, { from: offset, to: offset + bytes }, signal)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await flush(to)
  return await hashFiles((await trackFiles(to)) ?? [], signal)
}

/** Joins the files of the folder `from` to the one file `to`. Answers its sha256 and bytes; null for another folder. Rejects as `divideTrack`. */
export async function joinTrack(
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<{ sha256: Sha256; bytes: number } | null> {
  const files = await trackFiles(from)
  if (files === null) return null
  const file = await open(fsPath(to), 'w')
  try {
    for (const each of files) await copyRange(each, file, { from: 0, to: Number.POSITIVE_INFINITY }, signal)
  } finally {
    await file.close()
  }
  return await hashFile(to, signal)
}

async function copyRange(
  path: string,
  to: FileHandle,
  range: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<void> {
  const from = await open(fsPath(path), 'r')
  try {
    for await (const piece of piecesOf(from, range, signal)) await to.write(piece)
  } finally {
    await from.close()
  }
}

/** The paths of the files of a folder of a track, in their order; null for another folder. */
export async function trackFiles(folder: string): Promise<string[] | null> {
  const names = (await readdir(fsPath(folder))).sort()
  const [header, index, ...segments] = names
  const isTrack =
    header === TRACK_HEADER && index === TRACK_INDEX && segments.every((name, at) => name === segmentName(at))
  return isTrack ? names.map((name) => join(folder, name)) : null
}
