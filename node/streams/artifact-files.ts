/** The finished files of videos, by the hash of their content, wherever their bytes lie. */
import { basename } from 'node:path/posix'
import { unknownVideo } from '../../protocol/errors.ts'
import type { VideoId } from '../../protocol/ids.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { type StreamFile, StreamRefused } from './streams.ts'

/** Answers for finished files. */
export interface ArtifactFiles {
  /** The file of a video with this sha256, and its name for people. Rejects with `StreamRefused`, `ReelmeshError('unknown_video')` and `LedgerUnavailable`. */
  open(id: VideoId, sha256: string): Promise<{ readonly file: StreamFile; readonly name: string }>
}

/** The finished files of all videos. */
export function createArtifactFiles({
  ledger,
  reads,
}: {
  readonly ledger: Pick<Ledger, 'video'>
  readonly reads: ArtifactReads
}): ArtifactFiles {
  return {
    async open(id, sha256) {
      const video = await ledger.video(id)
      if (video === null) throw unknownVideo(id)
      const artifact = video.outputs.find((each) => each.sha256 === sha256 && !each.is_folder)
      if (artifact === undefined)
        throw new StreamRefused(
          'unknown_file',
          `${video.name} has no finished file ${sha256}; its \`outputs\` are those that there are, once it is COMPLETED`,
        )
      const { media_type: mediaType, bytes, path } = artifact
      return {
        file: {
          mediaType,
          bytes,
          etag: sha256,
          isFinal: true,
          read: (range, signal) => reads.read(video, artifact, range, signal),
        },
        name: basename(path.replaceAll('{name}', () => video.name)),
      }
    },
  }
}
