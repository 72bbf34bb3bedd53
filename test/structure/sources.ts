/**
 * The product's own source files, as the structure tests see them: path from the repository's root → text. Tests,
 * their tools, scripts and benchmarks are not product.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..', '..')
export const LAYERS = [
  'protocol',
  'files',
  'media',
  'ledger',
  'mesh',
  'blobs',
  'fleet',
  'coordinator',
  'node',
  'cli',
  'client',
] as const
export type Layer = (typeof LAYERS)[number]

/** What lies beside a file to test it: `x.test.ts`, `x.fixture.ts`, `x.test-support.ts`, the suites of the contracts (`protocol/conformance/`). */
export const isTest = (path: string): boolean =>
  /\.(?:test|fixture|test-support)\.ts$|^protocol\/conformance\//.test(path)

export async function productSources(folders: readonly string[] = LAYERS): Promise<Map<string, string>> {
  return new Map([...(await sourcesIn(folders))].filter(([path]) => !isTest(path)))
}

/** Every TypeScript file in these folders, tests and their fixtures too. */
export async function sourcesIn(folders: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const folder of folders) {
    const entries = await readdir(join(ROOT, folder), { recursive: true }).catch(() => [])
    for (const entry of entries.filter((name) => name.endsWith('.ts')).sort()) {
      const path = `${folder}/${entry}`
      files.set(path, await readFile(join(ROOT, path), 'utf8'))
    }
  }
  return files
}
