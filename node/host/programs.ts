/** Finds programs: a path as given, a bare name by the PATH, as a shell does. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { UsageError } from '../../protocol/errors.ts'

/** The absolute path of a program. Rejects with a `UsageError` that says what to install or which flag to set. */
export async function findProgram(
  name: string,
  options: { what: string; flag: string; path?: string },
): Promise<string> {
  const { what, flag, path = process.env.PATH ?? '' } = options
  const candidates = name.includes('/')
    ? [resolve(name)]
    : path
        .split(delimiter)
        .filter(Boolean)
        .map((dir) => join(dir, name))
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate
  const where = name.includes('/') ? `${resolve(name)} is not a program` : `there is no ${name} on the PATH`
  throw new UsageError(`${where}: install ${what} (such as \`apt-get install ffmpeg\`) or name it with ${flag}`)
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
