/** An artifact: one finished file of a video. A rendition's file is one; a streaming package is many. */

import type { HeldBlob } from './blobs.ts'
import { ReelmeshError } from './errors.ts'
import type { SoundPartFacts } from './sound-part.ts'

/** A file that a task made, with its hash, size in bytes and holders. */
export interface Artifact extends HeldBlob {
  /**
   * Where it belongs below the folder of a delivery, with `/` between its parts; `{name}` stands for the name of the delivery:
   * `480p/{name}.mp4`. Unique within a video.
   */
  readonly path: string
  /** IANA media type, such as `video/mp4`. */
  readonly media_type: string
  /** It is a track of a package, and a folder where it is delivered: each segment is a file. Absent: it is one file. */
  readonly is_folder?: true | undefined
  /** What it holds, where it is a part of the sound of a video. */
  readonly sound?: SoundPartFacts | undefined
}

const PART = /^(?!\.)[A-Za-z0-9._{}-]{1,128}$/

/**
 * The path below the folder of a delivery of this name. Throws `ReelmeshError('bad_artifact')` for one that could lead out of that
 * folder: the ledger's documents are written by other peers.
 */
export function pathFor({ path }: Pick<Artifact, 'path'>, name: string): string {
  if (!path.split('/').every((part) => PART.test(part)))
    throw new ReelmeshError(
      'bad_artifact',
      `the ledger names a file ${JSON.stringify(path)}, which is not a valid path of a delivered file`,
    )
  return path.replaceAll('{name}', () => name)
}

/** The file of subtitles and chapters among the outputs of an ingest: an input of the merge, never delivered. */
export const EXTRAS_PATH = 'extras'

/** The containers that results may have. */
export const PACKAGINGS = ['mp4', 'mkv'] as const
/** One of `PACKAGINGS`: the ending of the names of its files. */
export type Packaging = (typeof PACKAGINGS)[number]

/** The media types of their files. */
export const MEDIA_TYPES: Readonly<Record<Packaging, string>> = { mp4: 'video/mp4', mkv: 'video/x-matroska' }

/** Path of a rendition's single file among the artifacts of its video. */
export const renditionPath = (rendition: string, packaging: Packaging = 'mp4'): string =>
  `${rendition}/{name}.${packaging}`
