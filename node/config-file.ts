/** The file of the configuration, `reelmesh.yaml`: where it lies, and its settings before the schema. */
import { readFile } from 'node:fs/promises'
import { UsageError } from '../protocol/errors.ts'
import type { YamlText } from './ladders/yaml-text.ts'

/** Settings of one source (flags, environment or file) by name, before the schema. */
export type ConfigInput = Readonly<Record<string, unknown>>

/** The settings of a file; of none `yaml` is null. */
export interface ConfigFile {
  readonly path: string
  readonly values: ConfigInput
  readonly yaml: YamlText | null
}

/** The settings without empty ones, which count as absent. */
export const given = (input: ConfigInput): ConfigInput =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value != null))

/** The first of these files that there is; the first must be there where it is named. Rejects with `UsageError`. */
export async function readConfigFile(paths: readonly (string | undefined)[]): Promise<ConfigFile> {
  for (const [at, path] of paths.entries()) {
    if (!path) continue
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (cause) {
      if (at > 0 && (cause as NodeJS.ErrnoException).code === 'ENOENT') continue
      throw new UsageError(`the configuration ${path} cannot be read: ${(cause as Error).message}`, { cause })
    }
    const { readYaml } = await import('./ladders/yaml-text.ts')
    const yaml = readYaml(text, path)
    const values = yaml.value ?? {}
    if (typeof values === 'object' && !Array.isArray(values))
      return { path, values: given(values as ConfigInput), yaml }
    throw new UsageError(`${path} must hold a mapping of names to values`)
  }
  return { path: 'no file', values: {}, yaml: null }
}
