/** The streaming package of what is put into a watched folder: its settings, and what they ask for. */
import { z } from 'zod'
import { PACKAGE_FORMATS, type PackageRecipe } from '../protocol/package.ts'

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
  input_package_only: z
    .preprocess(
      (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
      z.boolean(),
    )
    .default(false)
    .describe('make the package alone of what is put into the watched folder: no file for each rendition'),
}

/** What they ask for; null without a package. */
export function inputPackage({
  input_package: formats,
  input_package_only: isAlone,
}: {
  readonly input_package?: PackageRecipe['formats'] | undefined
  readonly input_package_only: boolean
}): PackageRecipe | null {
  return formats === undefined ? null : { formats, ...(isAlone && { only: true }) }
}
