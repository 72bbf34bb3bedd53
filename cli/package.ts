/** The flags of a streaming package. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../protocol/errors.ts'
import {
  KEY_METHODS,
  type KeyMethod,
  PACKAGE_FORMATS,
  type PackageFormat,
  type PackageRecipe,
  packageSchema,
} from '../protocol/package.ts'

/** Their parsed values. */
export interface PackageOptions {
  package?: PackageFormat[]
  packageUrlPrefix?: string
  packageOnly?: boolean
  segments?: boolean
  hlsKey?: string
  hlsKeyUrl?: string
  hlsEncryption?: KeyMethod
}

/** The options that say more of a package. */
const FLAGS = [
  ['packageUrlPrefix', '--package-url-prefix'],
  ['packageOnly', '--package-only'],
  ['segments', '--segments'],
  ['hlsKey', '--hls-key'],
  ['hlsKeyUrl', '--hls-key-url'],
  ['hlsEncryption', '--hls-encryption'],
] as const

/** Adds them to a command. */
export function addPackageOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--package <list>', 'make a streaming package: hls, dash or both, as <out>/<name>/').argParser(
        parseFormats,
      ),
    )
    .option('--package-only', 'make the package alone: no file for each rendition')
    .option('--segments', 'make each segment of the package a file of its own, for servers that answer no ranges')
    .option('--package-url-prefix <url>', 'what stands before every name of a file in its manifests')
    .option(
      '--hls-key <file>',
      'encrypt pictures and sound of the package with this key, 16 bytes or 32 hex digits (no DRM: who gets the key can copy)',
    )
    .option('--hls-key-url <url>', 'where playlists say that players get that key; it is never delivered')
    .addOption(
      new Option(
        '--hls-encryption <method>',
        'how the key encrypts: aes-128 (whole segments, for HLS only) or cbcs (samples of H.264 and sound, for HLS and DASH) (default: aes-128)',
      ).choices(KEY_METHODS),
    )
}

/** The package that they ask for; undefined without one. Throws `UsageError`. */
export function packageFrom({ package: formats, ...options }: PackageOptions): PackageRecipe | undefined {
  const { packageUrlPrefix, packageOnly } = options
  if (formats === undefined) {
    const [flag] = FLAGS.flatMap(([key, flag]) => (options[key] === undefined ? [] : [flag]))
    if (flag !== undefined) throw new UsageError(`${flag} is about a package: ask for one with --package hls,dash`)
    return undefined
  }
  const { data, error } = packageSchema.safeParse({
    formats,
    ...(packageUrlPrefix !== undefined && { url_prefix: packageUrlPrefix }),
    ...(packageOnly && { only: true }),
    ...(options.segments && { segments: true }),
  })
  if (!data) throw new UsageError(`--package-url-prefix ${error.issues[0]?.message}`)
  return data
}

function parseFormats(text: string): PackageFormat[] {
  const names = text.split(',').map((each) => each.trim())
  const formats = PACKAGE_FORMATS.filter((format) => names.includes(format))
  if (formats.length === 0 || formats.length !== names.length)
    throw new InvalidArgumentError('must be hls, dash, or hls,dash.')
  return formats
}
