/** Options that several verbs share, and the way from parsed options to a configuration or a recipe. */
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Config, type ConfigInput, configSchema, loadConfig } from '../node/config.ts'
import { PACKAGINGS, type Packaging } from '../protocol/artifact.ts'
import type { AudioRendition } from '../protocol/audio-rendition.ts'
import { UsageError } from '../protocol/errors.ts'
import { type Ladder, recipeOf } from '../protocol/ladder.ts'
import {
  DEFAULT_ENCODING,
  DEFAULT_HEIGHTS,
  DEFAULT_NAMES,
  DEFAULT_RECIPE,
  ladderOf,
  type Recipe,
} from '../protocol/recipe.ts'
import { heightOf } from '../protocol/rendition.ts'
import { workingFolder } from './arguments.ts'
import { addAudioOption } from './audio-option.ts'
import { addPackageOptions, type PackageOptions, packageFrom } from './package.ts'

/** The name of a setting. */
export type ConfigKey = keyof typeof configSchema.shape
const describe = (key: ConfigKey): string => configSchema.shape[key].description ?? ''
const flagOf = (key: ConfigKey): string => `--${key.replaceAll('_', '-')}`

/** Adds flags for these fields of the configuration, with the schema's own descriptions. */
export function addConfigOptions(command: Command, fields: Partial<Record<ConfigKey, string>>): Command {
  for (const [key, value] of Object.entries(fields) as [ConfigKey, string][]) {
    const option = new Option(`${flagOf(key)}${value ? ` ${value}` : ''}`, describe(key))
    // The one flag that may be repeated.
    command.addOption(key === 'shared' ? option.argParser(oneMore) : option)
  }
  return command
}

const oneMore = (value: string, before: string | undefined): string =>
  before === undefined ? value : `${before},${value}`

/** The configuration of parsed options: commander's camelCase becomes the names of the settings, other options are dropped. Rejects with `UsageError`. */
export async function configFrom(options: Record<string, unknown>, more: ConfigInput = {}): Promise<Config> {
  const flags = Object.fromEntries(
    Object.keys(configSchema.shape).flatMap((key) => {
      const camel = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      return options[camel] === undefined ? [] : [[key, options[camel]]]
    }),
  )
  return loadConfig({ flags: { ...flags, ...more }, env: process.env, cwd: process.cwd() })
}

/** The parsed options of a recipe. */
export interface RecipeOptions extends PackageOptions {
  /** A name, or a file. */
  ladder?: string
  /** Heights of the renditions, pixels. */
  renditions?: number[]
  preset?: string
  crf?: number
  codec?: string
  upscale?: boolean
  strict?: boolean
  audio?: readonly AudioRendition[]
  container?: Packaging
}

/** Adds the options of a recipe to a command. */
export function addRecipeOptions(command: Command): Command {
  return addPackageOptions(addAudioOption(command))
    .addOption(
      new Option(
        '--ladder <name|file>',
        'what to make, by name (`reelmesh ladders`) or as a file; or say it with:',
      ).conflicts(['renditions', 'preset', 'crf', 'codec']),
    )
    .addOption(
      new Option('--renditions <list>', 'renditions to make, by their lines: 480p, 720p, 1080p or any other')
        .argParser(parseRenditions)
        .default([...DEFAULT_HEIGHTS], DEFAULT_NAMES.join(',')),
    )
    .addOption(
      new Option('--preset <name>', "preset of the codec's encoder, such as veryfast: slower is smaller").default(
        DEFAULT_ENCODING.preset,
      ),
    )
    .addOption(
      new Option('--crf <n>', 'quality, 0 (best) to 51').argParser(parseCrf).default(DEFAULT_ENCODING.rate.crf),
    )
    .addOption(
      new Option('--codec <name>', 'video codec, such as h264, hevc, av1 or vp9').default(DEFAULT_ENCODING.codec),
    )
    .addOption(
      new Option('--container <name>', 'container of the results: mkv keeps what mp4 does not hold, such as fonts')
        .choices(PACKAGINGS)
        .default(DEFAULT_RECIPE.packaging),
    )
    .option('--upscale', 'make renditions larger than the source too', DEFAULT_RECIPE.upscale)
    .option('--strict', 'refuse a source that was cut off, instead of encoding as far as it goes', false)
}

/** The recipe of parsed options; options that are not given are those of the default recipe. `ladder`: that of the option. */
export function recipeFrom(options: RecipeOptions, ladder: Ladder | null = null): Recipe {
  const { renditions, preset, crf, codec, upscale, strict, audio, container } = options
  const streaming = packageFrom(options)
  const encoding = {
    ...DEFAULT_ENCODING,
    ...(codec !== undefined && { codec }),
    ...(preset !== undefined && { preset }),
    ...(crf !== undefined && { rate: { crf } }),
  }
  const flags = { ...(upscale !== undefined && { upscale }), ...(strict && { strict }) }
  const recipe = ladder
    ? recipeOf(ladder)
    : { ...DEFAULT_RECIPE, renditions: ladderOf(renditions ?? DEFAULT_HEIGHTS, encoding) }
  return {
    ...recipe,
    ...flags,
    ...(audio && { audio }),
    ...(container && { packaging: container }),
    ...(streaming && { package: streaming }),
  }
}

function parseRenditions(text: string): number[] {
  const names = text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (names.length === 0) throw new InvalidArgumentError(`name at least one, such as ${DEFAULT_NAMES.join(',')}.`)
  return names.map((name) => {
    const height = heightOf(name)
    if (height === null) throw new InvalidArgumentError(`${name} is not a rendition; name its lines, such as 720p.`)
    return height
  })
}

function parseCrf(text: string): number {
  const crf = Number(text)
  if (text.trim() === '' || !(crf >= 0)) throw new InvalidArgumentError('must be a number, such as 23.')
  return crf
}

/** A number from 1 to 1,024. Throws `InvalidArgumentError`, which commander prints. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 1024)
    throw new InvalidArgumentError('must be a whole number from 1 to 1024.')
  return count
}

/** An integer from -1,000 to 1,000. Throws `InvalidArgumentError`, which commander prints. */
export function parseWhole(text: string): number {
  if (!/^-?\d{1,4}$/.test(text.trim())) throw new InvalidArgumentError('must be a whole number from -1000 to 1000.')
  return Number(text)
}

/** An absolute path. Throws `UsageError` for an empty one, which would be the current folder. */
export function absolutePath(path: string, what: string): string {
  if (path === '') throw new UsageError(`${what} is empty`)
  return resolve(workingFolder(), path)
}
