/** Which field of its body the refusal of a submit is about. */
import { ReelmeshError } from '../../protocol/errors.ts'
import { RequestRefused } from './refusals.ts'

/** The fields that a body has, of those that may be refused. */
interface SubmitFields {
  readonly path?: string
  readonly ladder?: string | undefined
  readonly subtitles: readonly { readonly path: string }[]
  readonly hls_key?: { readonly path: string } | undefined
}

/** A handler for `catch`: it rejects with the same error, which names the field that it is about, where it is about one. */
export const naming =
  (body: SubmitFields) =>
  (error: unknown): never => {
    if (error instanceof ReelmeshError) error.field = fieldOf(error, body)
    throw unreadable(error as NodeJS.ErrnoException, body) ?? error
  }

function fieldOf({ code, field }: ReelmeshError, { path, ladder }: SubmitFields): string | undefined {
  // An upload has no path.
  if (code === 'source_refused') return field ?? (path === undefined ? undefined : 'path')
  if (code !== 'recipe_refused') return field
  const named = field ?? 'recipe'
  // A ladder stands for the renditions of the recipe, and for its sound.
  return ladder !== undefined && ['recipe', 'recipe.renditions'].includes(named) ? 'ladder' : named
}

/** The refusal of a file beside the source that the user of the node may not read; null for any other error. */
function unreadable(
  { code, path }: NodeJS.ErrnoException,
  { subtitles, hls_key }: SubmitFields,
): RequestRefused | null {
  if (path === undefined || (code !== 'EACCES' && code !== 'EPERM')) return null
  const at = subtitles.findIndex((each) => each.path === path)
  const field = at >= 0 ? `subtitles.${at}.path` : path === hls_key?.path ? 'hls_key.path' : undefined
  if (field === undefined) return null
  const why = `${JSON.stringify(path)}: the user of this node may not read it (${code}): check its permissions.`
  return new RequestRefused(422, 'source_refused', why, { field })
}
