/** The keys of packages that are encrypted as they are served: read from whoever holds the source, and kept in memory only. */
import { createHash } from 'node:crypto'
import type { Sha256 } from '../../protocol/ids.ts'
import type { PackageKey } from '../../protocol/package.ts'
import { remember } from '../../protocol/remember.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { encodedFile } from './encoded-chunks.ts'
import { StreamRefused } from './streams.ts'

/** Keys that are remembered. */
const KEYS_MAX = 16

/** Answers the bytes of a key. Rejects with `StreamRefused`, and as the reads. */
export function createPackageKeys(
  reads: ArtifactReads,
): (video: Video, key: PackageKey, signal: AbortSignal) => Promise<Buffer> {
  const known = new Map<Sha256, Buffer>()
  return async (video, { sha256, bytes }, signal) => {
    const before = known.get(sha256)
    if (before) return before
    const { holders } = video.source
    const pieces: Uint8Array[] = []
    for await (const piece of reads.read(
      video,
      encodedFile({ sha256, bytes, holders }),
      { from: 0, to: bytes },
      signal,
    ))
      pieces.push(piece)
    const key = Buffer.concat(pieces)
    if (createHash('sha256').update(key).digest('hex') !== sha256)
      throw new StreamRefused('bytes_away', `nobody sends the key of ${video.name} now; ask again in a moment`)
    remember(known, sha256, key, KEYS_MAX)
    return key
  }
}
