/**
 * sha256 of a file without blocking the event loop: it is read and hashed in pieces of 256 KiB, each of which takes under a millisecond.
 * Measured on 256 MiB: the longest turn of the loop took 4 ms, so that a worker thread (12 MB of memory) is not needed. A test keeps it
 * below 50 ms.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { asSha256, type Sha256 } from '../protocol/ids.ts'
import { fsPath } from '../protocol/path-text.ts'

const PIECE_BYTES = 256 * 1024

/** The sha256 of a file and its size in bytes. Rejects with the error of the file system, or the reason of the signal. */
export const hashFile = (path: string, signal?: AbortSignal): Promise<{ sha256: Sha256; bytes: number }> =>
  hashFiles([path], signal)

/** The sha256 of the bytes of these files behind one another, and their number. Rejects as `hashFile`. */
export async function hashFiles(
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<{ sha256: Sha256; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for (const path of paths) {
    const file = await open(fsPath(path), 'r')
    try {
      for await (const piece of piecesOf(file, { from: 0, to: Number.POSITIVE_INFINITY }, signal)) {
        hash.update(piece)
        bytes += piece.byteLength
      }
    } finally {
      await file.close()
    }
  }
  return { sha256: asSha256(hash.digest('hex')), bytes }
}

/** The bytes of a half-open range, or as many of them as there are. All pieces share one buffer: each is valid until the next.
 * Throws the reason of the signal, or the error of the file system. */
export async function* piecesOf(
  file: Pick<FileHandle, 'read'>,
  { from, to }: { readonly from: number; readonly to: number },
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = from; at < to; ) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, to - at), at)
    if (bytesRead === 0) return
    yield piece.subarray(0, bytesRead)
    at += bytesRead
  }
}
