/** Reads ranges of artifacts, wherever their bytes lie. */
import { open } from 'node:fs/promises'
import type { Artifact } from '../../protocol/artifact.ts'
import type { BlobStore } from '../../protocol/blobs.ts'
import { fsPath } from '../../protocol/path-text.ts'
import type { Video } from '../../protocol/video.ts'
import { type ByteRange, StreamRefused } from './streams.ts'

/** Reads what videos name. */
export interface ArtifactReads {
  /** The bytes of a range of an artifact. Rejects with `StreamRefused` and with the signal's reason, also after some pieces. */
  read(video: Video, artifact: Artifact, range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>
}

/** Read and passed on at once. */
const PIECE_BYTES = 256 * 1024

/** Reads from the blob store. */
export function createArtifactReads({ store }: { readonly store: Pick<BlobStore, 'find'> }): ArtifactReads {
  return {
    async *read(video, { sha256, path }, range, signal) {
      const found = await store.find(sha256, video._id)
      if (found === null)
        throw new StreamRefused('bytes_away', `no peer that answers has ${path.replace('{name}', video.name)} now`)
      yield* fileRange(found, range, signal)
    },
  }
}

async function* fileRange(path: string, { from, to }: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(fsPath(path), 'r')
  try {
    for (let at = from; at < to; ) {
      signal.throwIfAborted()
      const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, to - at))
      const { bytesRead } = await file.read(piece, 0, piece.byteLength, at)
      if (bytesRead === 0) throw new StreamRefused('bytes_gone', 'the file became shorter while it was read')
      yield piece.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}
