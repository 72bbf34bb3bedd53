/** Ladders by name: the built-in ones, and those of the configuration. */
import { resolve } from 'node:path'
import { UsageError } from '../../protocol/errors.ts'
import type { Ladder, NamedLadder } from '../../protocol/ladder.ts'
import { builtInLadders } from '../../protocol/ladders.ts'

/** Ladders by name. */
export type NamedLadders = Readonly<Record<string, Ladder>>

/** All ladders with their names: those of a configuration, then the built-in ones. */
export const allLadders = (own: NamedLadders): NamedLadder[] =>
  [own, builtInLadders()].flatMap((some) =>
    Object.entries(some).map(([name, ladder]) => ({ name, built_in: some === builtInLadders(), ...ladder })),
  )

/** Whether a text is a path, not a name: it has a `/`, or the ending of a ladder file. */
export const isLadderPath = (text: string): boolean => text.includes('/') || /\.(?:ya?ml|json)$/i.test(text)

/** The ladder of a name. Throws `UsageError`, with all names, where there is none; `or`: what else may be given, at the end of its sentence. */
export function namedLadder(name: string, own: NamedLadders, or = ''): Ladder {
  const all = { ...own, ...builtInLadders() }
  if (Object.hasOwn(all, name)) return all[name]!
  throw new UsageError(`there is no ladder "${name}", only ${Object.keys(all).join(', ')}${or}`, { field: 'ladder' })
}

/** The ladder that a text names, by its name or as a file. Rejects with `UsageError`. */
export async function findLadder(text: string, own: NamedLadders, cwd: string): Promise<Ladder> {
  if (isLadderPath(text)) {
    const { readLadderFile } = await import('./ladder-file.ts')
    return await readLadderFile(resolve(cwd, text))
  }
  return namedLadder(text, own, `; give a file as ./${text} or ${text}.yaml`)
}
