/** A streaming package: what a site serves to players, in HLS, DASH or both, from one set of files. */
import { z } from 'zod'
import { MEDIA_TYPES } from './artifact.ts'
import type { BlobRef } from './blobs.ts'
import type { Sha256 } from './ids.ts'

/** The forms of manifests. */
export const PACKAGE_FORMATS = ['dash', 'hls'] as const
/** One of `PACKAGE_FORMATS`. */
export type PackageFormat = (typeof PACKAGE_FORMATS)[number]

/** How a key encrypts: whole segments, for HLS, or samples, for HLS and DASH. */
export const KEY_METHODS = ['aes-128', 'cbcs'] as const
/** One of `KEY_METHODS`. */
export type KeyMethod = (typeof KEY_METHODS)[number]

/** A key that encrypts pictures and sound. Its bytes are a blob of the video, held by those who hold the source. */
export interface PackageKey extends BlobRef {
  /** Absent: `aes-128`. */
  readonly method?: 'cbcs' | undefined
  /** Where playlists say that players get it. */
  readonly url: string
}

/** What a recipe asks of the package. */
export interface PackageRecipe {
  /** At least one, each once. */
  readonly formats: readonly PackageFormat[]
  /** What stands before every name of a file in the manifests: an absolute URL, or a path, that ends with a slash. Absent: nothing. */
  readonly url_prefix?: string | undefined
  /** It is all that is made: no file for each rendition. Absent: it is made beside these. */
  readonly only?: true | undefined
  /** Each segment is a file of its own. Absent: each track is one file, of which players ask for ranges. */
  readonly segments?: true | undefined
  /** Absent: nothing is encrypted. */
  readonly key?: PackageKey | undefined
}

/** Longest prefix, characters. */
const PREFIX_MAX = 1_000

/** Longest address of a key, characters. */
const URL_MAX = 1_000
/** Bytes of a key of AES-128. */
export const KEY_BYTES = 16

/** Where players get a key: characters that playlists hold between quotes. */
export const keyUrlSchema = z
  .string()
  .max(URL_MAX)
  .regex(/^[!#-;=?-~]+$/, 'must be a URL or a path, without spaces and quotes')
  .describe('where playlists say that players get the key')

/** The package as people and programs may ask for it. */
export const packageSchema = z
  .strictObject({
    formats: z
      .array(z.enum(PACKAGE_FORMATS))
      .min(1)
      .refine((formats) => new Set(formats).size === formats.length, 'each form once')
      .readonly()
      .describe('`hls`, `dash` or both'),
    url_prefix: z
      .string()
      .max(PREFIX_MAX)
      .regex(
        /^[!#-;=?-~]*\/$/,
        'must be a URL or a path that ends with a slash, such as https://cdn.example.org/films/',
      )
      .optional()
      .describe('what stands before every name of a file in the manifests; ends with a slash'),
    only: z.literal(true).optional().describe('whether it is all that is made, instead of a file for each rendition'),
    segments: z
      .literal(true)
      .optional()
      .describe('whether each segment is a file of its own, for servers that answer no ranges'),
  })
  .meta({ id: 'Package', description: 'A streaming package.' })

/** The package as the API shows it. */
export const shownPackageSchema = packageSchema
  .extend({
    key: z
      .object({
        sha256: z.string().describe('of the key: 64 hex digits') as unknown as z.ZodType<Sha256, Sha256>,
        bytes: z.number().describe('its size'),
        url: keyUrlSchema,
        method: z.literal('cbcs').optional().describe('how it encrypts; absent: `aes-128`'),
      })
      .optional()
      .describe('the key that encrypts pictures and sound; absent: none'),
  })
  .meta({ id: 'ShownPackage', description: 'A streaming package, as it was asked for.' })

/** Path of a file of the package among the artifacts of its video. */
export const packagePath = (file: string): string => `{name}/${file}`

/** The files of a track that is a folder: what initialises a decoder, and where the segments lie behind it in the one file. */
export const [TRACK_HEADER, TRACK_INDEX] = ['header.mp4', 'index.sidx']
/** The file of a segment, by its number from 0. Sorts behind the two others, in the order of the segments. */
export const segmentName = (segment: number): string => `segment-${String(segment + 1).padStart(5, '0')}.m4s`

/** All of these names, as DASH writes them. */
export const SEGMENT_NAMES = 'segment-$Number%05d$.m4s'

/** Whether an artifact is a file of the package. */
export const isOfPackage = ({ path }: { readonly path: string }): boolean => path.startsWith(packagePath(''))

/** Name of the track of a rendition in a package, which its files begin with. */
export const pictureName = (rendition: string): string => `video-${rendition}`

const TYPES: Readonly<Record<string, string>> = {
  mp4: MEDIA_TYPES.mp4,
  m3u8: 'application/vnd.apple.mpegurl',
  mpd: 'application/dash+xml',
  vtt: 'text/vtt',
  jpg: 'image/jpeg',
  m4s: 'video/iso.segment',
  sidx: 'application/octet-stream',
}

/** The IANA media type of a file of a package, by its name. */
export const packageMediaType = (file: string): string => TYPES[file.slice(file.lastIndexOf('.') + 1)]!
