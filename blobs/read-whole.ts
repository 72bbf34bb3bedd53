/** Small blobs of other peers, read into memory and verified by their hash, where their size is not known before. Nothing is written to the disk. */
import { createHash } from 'node:crypto'
import type { BlobTraffic, WholeBlobs } from '../protocol/blobs.ts'
import type { Clock } from '../protocol/clock.ts'
import { BlobMissing, PeerUnreachable } from '../protocol/errors.ts'
import type { Mesh } from '../protocol/mesh.ts'
import { ask, atMost } from './fetch-blob.ts'

/** Reads over this mesh; `traffic` counts what arrives. */
export function createWholeBlobs(options: {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly traffic?: BlobTraffic
}): WholeBlobs {
  return {
    async read({ sha256, video, holder, bytesMax, signal }) {
      await using asked = await ask({ v: 1, sha256, video, offset: 0, length: null }, holder, { ...options, signal })
      const { answer } = asked
      if (!answer.ok && answer.why === 'busy') throw new PeerUnreachable(`peer ${holder} is busy`)
      if (!answer.ok || answer.bytes > bytesMax || answer.length !== answer.bytes) throw new BlobMissing(sha256)
      const pieces: Uint8Array[] = []
      // Their memory is the stream's.
      for await (const piece of atMost(asked.rest, answer.bytes, options.traffic)) pieces.push(Uint8Array.from(piece))
      const bytes = Buffer.concat(pieces)
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new BlobMissing(sha256)
      return bytes
    },
  }
}
