/** The streaming package of what is put into a watched folder: its settings, and what they ask for. */
import { z } from 'zod'
import { PACKAGE_FORMATS, type PackageRecipe } from '../protocol/package.ts'

const flag = z
  .preprocess(
    (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
    z.boolean(),
  )
  .default(false)

/** Their schemas, for the configuration. */
export const inputPackageSettings = {
  input_package: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map((each) => each.trim()) : value),
      z.array(z.enum(PACKAGE_FORMATS)).min(1),
    )
    .refine((formats) => new Set(formats).size === formats.length, 'names one twice')
    .optional()
    .describe('make a streaming package of what is put into the watched folder: hls, dash or both'),
  input_package_only: flag.describe(
    'make the package alone of what is put into the watched folder: no file for each rendition',
  ),
  input_segments: flag.describe('make each segment of such a package a file of its own'),
}

/** What they ask for; null without a package. */
export function inputPackage({
  input_package: formats,
  input_package_only,
  input_segments,
}: {
  readonly input_package?: PackageRecipe['formats'] | undefined
  readonly input_package_only: boolean
  readonly input_segments: boolean
}): PackageRecipe | null {
  if (formats === undefined) return null
  return { formats, ...(input_package_only && { only: true }), ...(input_segments && { segments: true }) }
}
