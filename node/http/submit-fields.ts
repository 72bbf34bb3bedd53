/** Which field of its body the refusal of a submit is about. */
import { ReelmeshError } from '../../protocol/errors.ts'

/** The fields that a body has, of those that may be refused. */
interface SubmitFields {
  readonly path?: string
  readonly ladder?: string | undefined
}

/** A handler for `catch`: it rejects with the same error, which names the field that it is about, where it is about one. */
export const naming =
  (body: SubmitFields) =>
  (error: unknown): never => {
    if (error instanceof ReelmeshError) error.field = fieldOf(error, body)
    throw error
  }

function fieldOf({ code, field }: ReelmeshError, { path, ladder }: SubmitFields): string | undefined {
  // An upload has no path.
  if (code === 'source_refused') return field ?? (path === undefined ? undefined : 'path')
  if (code !== 'recipe_refused') return field
  const named = field ?? 'recipe'
  // A ladder stands for the renditions of the recipe, and for its sound.
  return ladder !== undefined && ['recipe', 'recipe.renditions'].includes(named) ? 'ladder' : named
}
