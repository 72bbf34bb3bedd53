/** Packages that are whole: their files are artifacts of the video, or still those of its `package` task while the video is merged. */
import type { Artifact } from '../../protocol/artifact.ts'
import type { ByteRange } from '../../protocol/blobs.ts'
import type { Ledger } from '../../protocol/ledger.ts'
import { packagePath } from '../../protocol/package.ts'
import type { Video } from '../../protocol/video.ts'
import type { ArtifactReads } from './artifact-reads.ts'
import { refersToFiles, relativeManifest } from './relative-manifest.ts'
import { StreamRefused, type StreamSource } from './streams.ts'
import { createTrackSegments } from './track-segments.ts'

/** The parts that it uses. */
export interface FinishedPackagesOptions {
  readonly ledger: Pick<Ledger, 'tasks'>
  readonly reads: ArtifactReads
}

/** Answers for every file of a package that is whole. */
export function createFinishedPackages({ ledger, reads }: FinishedPackagesOptions): StreamSource {
  const segments = createTrackSegments()
  return {
    async open(video, file, signal) {
      const made = await packageOf(video, ledger)
      if (made === null) return null
      const readOf = (artifact: Artifact) => (range: ByteRange, until: AbortSignal) =>
        reads.read(video, artifact, range, until)
      const artifact = made.find(({ path, is_folder }) => path === packagePath(file) && !is_folder)
      if (artifact === undefined) {
        const segment = await segments.find(made, file, { readOf, signal })
        if (segment) return segment
        throw new StreamRefused('unknown_file', `the package of ${video.name} has no file ${JSON.stringify(file)}`)
      }
      const { media_type: mediaType, bytes, sha256 } = artifact
      const read = readOf(artifact)
      const prefix = video.recipe.package?.url_prefix
      if (prefix && refersToFiles(file))
        return await relativeManifest({ prefix, mediaType }, read({ from: 0, to: bytes }, signal))
      return { mediaType, bytes, etag: sha256, isFinal: true, read }
    },
  }
}

/** The files of the package; null while it is made. */
export async function packageOf(
  { _id, status, outputs }: Video,
  ledger: Pick<Ledger, 'tasks'>,
): Promise<readonly Artifact[] | null> {
  if (status === 'COMPLETED') return outputs
  if (status !== 'MERGING') return null
  const [task] = await ledger.tasks({ video: _id, kinds: ['package'], statuses: ['COMPLETED'], limit: 1 })
  return task?.outputs ?? null
}
