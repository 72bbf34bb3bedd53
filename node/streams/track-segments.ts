/** Tracks whose segments are files where they are delivered: a file of one is a range of the one blob, by the index at its beginning. */
import { HEAD_BYTES_MAX, partsOf, type TrackPart } from '../../files/track-folder.ts'
import type { Artifact } from '../../protocol/artifact.ts'
import type { Sha256 } from '../../protocol/ids.ts'
import { packageMediaType, packagePath } from '../../protocol/package.ts'
import { remember } from '../../protocol/remember.ts'
import type { StreamFile } from './streams.ts'

/** Tracks whose indexes are remembered; beyond it the oldest are dropped. */
const REMEMBERED = 100
/** Read first: a header, and the index of some hours. */
const HEAD_BYTES = 64 * 1024

/** Finds files of such tracks. */
export interface TrackSegments {
  /** The file among these artifacts, read by `readOf`; null where none of them has it. Rejects as the reads do. */
  find(
    made: readonly Artifact[],
    file: string,
    reading: { readOf(track: Artifact): StreamFile['read']; readonly signal: AbortSignal },
  ): Promise<StreamFile | null>
}

/** Finds them, and remembers the indexes that it has read. */
export function createTrackSegments(): TrackSegments {
  const known = new Map<Sha256, readonly TrackPart[]>()

  async function partsOfTrack(
    track: Artifact,
    read: StreamFile['read'],
    signal: AbortSignal,
  ): Promise<readonly TrackPart[]> {
    const before = known.get(track.sha256)
    if (before) return before
    for (const most of [HEAD_BYTES, HEAD_BYTES_MAX]) {
      const head = await readAll(read({ from: 0, to: Math.min(most, track.bytes) }, signal))
      const parts = partsOf(head)
      if (parts === null) continue
      remember(known, track.sha256, parts, REMEMBERED)
      return parts
    }
    return []
  }

  return {
    async find(made, file, { readOf, signal }) {
      const [, folder = '', name = ''] = /^([^/]+)\/([^/]+)$/.exec(file) ?? []
      const track = made.find(({ path, is_folder }) => is_folder && path === packagePath(folder))
      if (!track) return null
      const read = readOf(track)
      const part = (await partsOfTrack(track, read, signal)).find((each) => each.name === name)
      if (!part) return null
      const { offset, bytes } = part
      return {
        mediaType: packageMediaType(name),
        bytes,
        etag: `${track.sha256}-${name}`,
        isFinal: true,
        read: ({ from, to }, until) => read({ from: offset + from, to: offset + to }, until),
      }
    },
  }
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const read: Uint8Array[] = []
  for await (const piece of pieces) read.push(piece)
  return Buffer.concat(read)
}
