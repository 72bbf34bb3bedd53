/**
 * Finds the tests and says which suite each belongs to by where it lies, so that a new test is run because it exists:
 * `ledger/…` → ledger, `test/e2e/…` → e2e. `x.long.test.ts` runs only where long tests are wanted.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Quick suites first, then those of many processes and seconds, and last short ones, which run while the longest of these end. */
const FIRST = ['protocol', 'test/structure', 'files', 'fleet', 'coordinator', 'cli', 'client', 'test']
const FOLDERS = [...FIRST, 'media', 'ledger', 'mesh', 'blobs', 'node', 'page', 'bench', 'scripts', 'testing']

/** `test/e2e/kill.test.ts` → e2e, `mesh/streams.test.ts` → mesh, `testing/tools/at-end.test.ts` → testing. */
export function suiteOf(path: string): string {
  const [top = '', next = ''] = path.split('/')
  if (top === 'test') return next.endsWith('.ts') ? 'test' : next
  return top
}

/** Paths from the root, in the order in which they had better run. */
export async function findTestFiles(root: string, { long }: { long: boolean }): Promise<string[]> {
  const files = new Set<string>()
  for (const folder of FOLDERS) {
    const entries = await readdir(join(root, folder), { recursive: true }).catch(() => [])
    for (const entry of entries.sort()) {
      const path = `${folder}/${entry}`
      if (!entry.endsWith('.test.ts') || (entry.endsWith('.long.test.ts') && !long)) continue
      // They need a container engine, root, or a browser: `npm run test:docker`, `test:hosts`, `test:players`.
      if (!/^test\/(?:docker|hosts|players)\//.test(path)) files.add(path)
    }
  }
  return [...files]
}

/** The files of these suites, and those whose path starts with a word that has a slash. Unknown words are answered back. */
export function chooseFiles(
  files: readonly string[],
  words: readonly string[],
): { chosen: string[]; unknown: string[] } {
  const isCalled = (file: string, word: string): boolean =>
    suiteOf(file) === word || (word.includes('/') && file.startsWith(word))
  return {
    chosen: words.length === 0 ? [...files] : files.filter((file) => words.some((word) => isCalled(file, word))),
    unknown: words.filter((word) => !files.some((file) => isCalled(file, word))),
  }
}
