/** The recipe of what is put into the watched folder: its settings as a recipe. */
import { recipeOf } from '../protocol/ladder.ts'
import { DEFAULT_ENCODING, DEFAULT_RECIPE, ladderOf, type Recipe } from '../protocol/recipe.ts'
import { heightOf } from '../protocol/rendition.ts'
import type { Config } from './config.ts'
import { inputPackage, type inputPackageSettings } from './input-package.ts'

/** The settings that make it. */
export type InputSettings = Pick<
  Config,
  | 'input_ladder'
  | 'input_renditions'
  | 'input_preset'
  | 'input_crf'
  | 'input_strict'
  | 'input_container'
  | keyof typeof inputPackageSettings
>

/** The recipe: that of the ladder where one is set. */
export function inputRecipe(config: InputSettings): Recipe {
  const recipe = config.input_ladder
    ? recipeOf(config.input_ladder)
    : { ...DEFAULT_RECIPE, renditions: ownLadder(config) }
  const streaming = inputPackage(config)
  return {
    ...recipe,
    packaging: config.input_container,
    ...(streaming && { package: streaming }),
    ...(config.input_strict && { strict: true as const }),
  }
}

const ownLadder = ({ input_renditions, input_preset, input_crf }: InputSettings) =>
  ladderOf(
    input_renditions.flatMap((name) => heightOf(name) ?? []),
    { ...DEFAULT_ENCODING, preset: input_preset, rate: { crf: input_crf } },
  )
