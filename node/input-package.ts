/** The streaming package of what is put into a watched folder: its settings, and what they ask for. */

import { resolve } from 'node:path'
import { z } from 'zod'
import type { SubmitKey } from '../protocol/api.ts'
import { UsageError } from '../protocol/errors.ts'
import { KEY_METHODS, type KeyMethod, keyUrlSchema, PACKAGE_FORMATS, type PackageRecipe } from '../protocol/package.ts'
import { commaList } from './comma-list.ts'

const flag = z
  .preprocess(
    (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
    z.boolean(),
  )
  .default(false)

/** Their schemas, for the configuration. */
export const inputPackageSettings = {
  input_package: z
    .preprocess(commaList, z.array(z.enum(PACKAGE_FORMATS)).min(1))
    .refine((formats) => new Set(formats).size === formats.length, 'names one twice')
    .optional()
    .describe('make a streaming package of what is put into the watched folder: hls, dash or both'),
  input_package_only: flag.describe(
    'make the package alone of what is put into the watched folder: no file for each rendition',
  ),
  input_segments: flag.describe('make each segment of such a package a file of its own'),
  input_hls_key: z
    .string()
    .min(1)
    .optional()
    .describe('file with a key, 16 bytes or 32 hex digits, that encrypts pictures and sound of such a package'),
  input_hls_key_url: keyUrlSchema.optional().describe('where playlists say that players get the key'),
  input_hls_encryption: z.enum(KEY_METHODS).optional().describe('how that key encrypts: aes-128 (the default) or cbcs'),
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

/** The key of such a package; undefined without one. Throws `UsageError` where only one of its settings is there, or no package is made. */
export function inputKey({
  input_package,
  input_hls_key: path,
  input_hls_key_url: url,
  input_hls_encryption: method,
}: {
  readonly input_package?: PackageRecipe['formats'] | undefined
  readonly input_hls_key?: string | undefined
  readonly input_hls_key_url?: string | undefined
  readonly input_hls_encryption?: KeyMethod | undefined
}): SubmitKey | undefined {
  if (path === undefined && url === undefined && method === undefined) return undefined
  if (path === undefined || url === undefined)
    throw new UsageError('give both input_hls_key, the file of the key, and input_hls_key_url, where players get it')
  if (input_package === undefined)
    throw new UsageError('input_hls_key is for a package: ask for one with input_package')
  return { path: resolve(path), url, ...(method && { method }) }
}
