/** `--hls-key`, `--hls-key-url` and `--hls-encryption`: the key that encrypts a package, and how. */
import type { SubmitKey } from '../protocol/api.ts'
import { UsageError } from '../protocol/errors.ts'
import { keyUrlSchema } from '../protocol/package.ts'
import { absolutePath } from './options.ts'
import type { PackageOptions } from './package.ts'

/** The key that they ask for; undefined without one. Throws `UsageError`. */
export function keyFrom({ hlsKey, hlsKeyUrl, hlsEncryption }: PackageOptions): SubmitKey | undefined {
  if (hlsKey === undefined && hlsKeyUrl === undefined && hlsEncryption === undefined) return undefined
  if (hlsKey === undefined || hlsKeyUrl === undefined)
    throw new UsageError('give both --hls-key, the file of the key, and --hls-key-url, where players get it')
  const { data: url, error } = keyUrlSchema.safeParse(hlsKeyUrl)
  if (url === undefined) throw new UsageError(`--hls-key-url ${error?.issues[0]?.message}`)
  return { path: absolutePath(hlsKey, '--hls-key'), url, ...(hlsEncryption && { method: hlsEncryption }) }
}
