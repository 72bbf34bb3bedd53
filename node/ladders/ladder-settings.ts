/** The settings that name ladders: their schemas, and what they name. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { UsageError } from '../../protocol/errors.ts'
import { isPartName } from '../../protocol/ids.ts'
import type { Ladder } from '../../protocol/ladder.ts'
import type { ConfigFile, ConfigInput } from '../config-file.ts'
import type { NamedLadders } from './named-ladders.ts'

/** `NAME=FILE,NAME=FILE` as a mapping. */
const pairs = (value: unknown): unknown =>
  typeof value === 'string'
    ? Object.fromEntries(
        value.split(',').map((each) =>
          each
            .trim()
            .match(/^([^=]*)=?(.*)$/)!
            .slice(1, 3),
        ),
      )
    : value

/** Their schemas, for the configuration. */
export const ladderSettings = {
  ladders: z
    .preprocess(
      pairs,
      z.record(
        z.string(),
        z.union([z.string().min(1), z.record(z.string(), z.unknown())], 'give NAME=FILE, or a ladder'),
      ),
    )
    .default({})
    .describe(
      'ladders by name: NAME=FILE, separated by commas; in the configuration file a ladder itself, or its file',
    ),
  input_ladder: z
    .string()
    .min(1)
    .optional()
    .describe('ladder for the watched folder, a name or a file, instead of the three settings above'),
}

/** What a ladder says in their place. */
const INPUT_RECIPE = ['input_renditions', 'input_preset', 'input_crf'] as const

/**
 * The configuration with the ladders that it names. `merged`: the settings of all sources before the schema; `cwd`: paths are relative to it.
 * Rejects with `UsageError`.
 */
export async function withLadders<
  C extends { readonly ladders: Readonly<Record<string, unknown>>; readonly input_ladder?: string | undefined },
>(
  { ladders: named, input_ladder: input, ...config }: C,
  { merged, file, cwd }: { readonly merged: ConfigInput; readonly file: ConfigFile; readonly cwd: string },
): Promise<Omit<C, 'ladders' | 'input_ladder'> & { ladders: NamedLadders; input_ladder?: Ladder | undefined }> {
  const ladders = await configuredLadders(named, file, cwd)
  if (input === undefined) return { ...config, ladders }
  const other = INPUT_RECIPE.find((key) => merged[key] !== undefined)
  if (other !== undefined) throw new UsageError(`give input_ladder or ${other}, not both: a ladder says all of it`)
  const { findLadder } = await import('./named-ladders.ts')
  return { ...config, ladders, input_ladder: await findLadder(input, ladders, cwd) }
}

/** The ladders of the setting: each a mapping in the configuration file, or the path of a file. */
async function configuredLadders(
  given: Readonly<Record<string, unknown>>,
  { yaml }: ConfigFile,
  cwd: string,
): Promise<NamedLadders> {
  if (Object.keys(given).length === 0) return {}
  // Every verb reads a configuration, and few name ladders.
  const [{ builtInLadders }, { ladderOf, readLadderFile }] = await Promise.all([
    import('../../protocol/ladders.ts'),
    import('./ladder-file.ts'),
  ])
  const found: Record<string, Ladder> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!isPartName(name))
      throw new UsageError(`ladders: "${name}" is no name of a ladder: use 1 to 32 of a-z, 0-9, "." and "-"`)
    if (Object.hasOwn(builtInLadders(), name))
      throw new UsageError(`ladders: ${name} is built in: give yours another name`)
    if (typeof value === 'string' && value !== '') found[name] = await readLadderFile(resolve(cwd, value))
    else if (yaml !== null) found[name] = ladderOf(yaml, ['ladders', name])
  }
  return found
}
