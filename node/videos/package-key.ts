/** The key of a package that is submitted with a source: read whole, named by its bytes, and held for the packaging peer as a blob. */
import { createHash } from 'node:crypto'
import type { SubmitKey } from '../../protocol/api.ts'
import { UsageError } from '../../protocol/errors.ts'
import { asSha256 } from '../../protocol/ids.ts'
import { KEY_BYTES, type PackageKey } from '../../protocol/package.ts'
import type { Recipe } from '../../protocol/recipe.ts'
import type { OpenSource } from '../../protocol/source.ts'
import { copies } from './subtitle-files.ts'

/** A key and its bytes, which stand in no message and no document. */
export interface ReadKey {
  readonly file: PackageKey
  readonly content: Uint8Array
}

/** More than 32 digits, an ending and a mark of the byte order take. */
const FILE_BYTES_MAX = 64

/** Reads a key. Rejects as `Source`, and with `UsageError` for a file that is none. */
export async function readKey(
  { path, url, method }: SubmitKey,
  openSource: OpenSource,
  signal: AbortSignal,
): Promise<ReadKey> {
  const source = openSource(path)
  const { bytes, identity } = await source.stat(signal)
  const isShort = bytes <= FILE_BYTES_MAX
  const read = isShort ? Buffer.concat(await copies(source.read({ from: 0, to: bytes, identity }, signal))) : null
  const digits = read?.toString('latin1').trim() ?? ''
  const content = /^[0-9a-f]{32}$/i.test(digits) ? Buffer.from(digits, 'hex') : read
  if (content?.length !== KEY_BYTES)
    throw new UsageError(`${path} is no key of AES-128: a file of ${KEY_BYTES} bytes, or of 32 hex digits`, {
      field: 'hls_key.path',
    })
  const sha256 = asSha256(createHash('sha256').update(content).digest('hex'))
  return { file: { sha256, bytes: KEY_BYTES, url, ...(method === 'cbcs' && { method }) }, content }
}

/** The recipe whose package is encrypted with the key. Throws `UsageError` for one without a package. */
export function withKey(recipe: Recipe, key: ReadKey | undefined): Recipe {
  if (key === undefined) return recipe
  if (recipe.package === undefined)
    throw new UsageError('a key is for a package, and none is asked for', { field: 'hls_key' })
  return { ...recipe, package: { ...recipe.package, key: key.file } }
}
