/** What no codec and no package can be made of, whatever the source: known from the recipe alone, before anything is read. */
import { RecipeRefused } from '../protocol/errors.ts'
import type { Recipe } from '../protocol/recipe.ts'
import { codecOf, whyRefused } from './codecs/codecs.ts'

/** Throws `RecipeRefused` for the first rendition that no codec can encode, and for a container that the package cannot be made with. */
export function checkRecipe({ renditions, packaging, package: streaming }: Recipe): void {
  // The fields are those of a submit, which has the key beside the recipe, and renditions in an order of its own.
  const refuse = (field: string, why: string): never => {
    throw new RecipeRefused(why, { field })
  }
  if (streaming !== undefined && packaging !== 'mp4')
    refuse(
      'recipe.packaging',
      'a streaming package is made of MP4 results: use --container mp4, or leave out --package',
    )
  const key = streaming?.key
  if (key !== undefined && key.method === undefined && streaming?.formats.includes('dash'))
    refuse(
      'hls_key.method',
      'whole segments are encrypted for HLS only, and DASH has no such form: use --package hls, or --hls-encryption cbcs',
    )
  for (const rendition of renditions) {
    const why = whyRefused(rendition)
    if (why !== null) refuse('recipe.renditions', why)
    const { id, codec } = rendition
    if (key?.method === 'cbcs' && codecOf(codec).sliceHeads === null)
      refuse(
        'recipe.renditions',
        `the rendition ${id} is ${codec}, which cbcs cannot encrypt in this version: use h264`,
      )
  }
}
