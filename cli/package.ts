/** The flags of a streaming package. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../protocol/errors.ts'
import { PACKAGE_FORMATS, type PackageFormat, type PackageRecipe, packageSchema } from '../protocol/package.ts'

/** Their parsed values. */
export interface PackageOptions {
  package?: PackageFormat[]
  packageUrlPrefix?: string
}

/** Adds them to a command. */
export function addPackageOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--package <list>', 'make a streaming package too: hls, dash or both, as <out>/<name>/').argParser(
        parseFormats,
      ),
    )
    .option('--package-url-prefix <url>', 'what stands before every name of a file in its manifests')
}

/** The package that they ask for; undefined without one. Throws `UsageError`. */
export function packageFrom({ package: formats, packageUrlPrefix }: PackageOptions): PackageRecipe | undefined {
  if (formats === undefined) {
    if (packageUrlPrefix !== undefined)
      throw new UsageError('--package-url-prefix is for the manifests of a package: name one with --package hls,dash')
    return undefined
  }
  const { data, error } = packageSchema.safeParse({
    formats,
    ...(packageUrlPrefix !== undefined && { url_prefix: packageUrlPrefix }),
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
