/** Reads of files that people may change: every piece is one of the bytes that were hashed, or there is none. */
import { open } from 'node:fs/promises'
import type { ByteRange } from '../protocol/blobs.ts'
import { CopyMismatch } from '../protocol/destination.ts'
import { fsPath } from '../protocol/path-text.ts'
import { fileIdentity, type HashedFile } from './file-hashes.ts'
import { piecesOf } from './hash-file.ts'

/**
 * A range of the bytes of these files behind one another, in pieces whose memory is the reader's. Rejects with `CopyMismatch` where a file is not what
 * it was, with the error of the file system, and with the reason of the signal.
 */
export async function* readUnchanged(
  files: readonly HashedFile[],
  { from, to }: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const file of files) {
    const range = { from: Math.max(from - start, 0), to: Math.min(to - start, file.bytes) }
    if (range.from < range.to) yield* readPart(file, range, signal)
    start += file.bytes
  }
}

async function* readPart(
  { path, identity }: HashedFile,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await open(fsPath(path), 'r')
  let at = range.from
  try {
    for await (const piece of piecesOf(file, range, signal)) {
      const own = Uint8Array.from(piece)
      // After the read: a change before it shows now.
      if (fileIdentity(await file.stat({ bigint: true })) !== identity) throw new CopyMismatch(path)
      yield own
      at += own.byteLength
    }
    if (at < range.to) throw new CopyMismatch(path)
  } finally {
    await file.close()
  }
}
