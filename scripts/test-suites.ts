/**
 * Finds the tests and sorts them into suites by where they lie, so that a new test is run because it exists:
 * `ledger/…` → ledger, `media/…` → media, `test/e2e/…` → e2e. `x.long.test.ts` runs only where long tests are wanted.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Suite {
  readonly name: string
  /** Paths from the root. */
  readonly files: readonly string[]
  /** Whether its tests may share the machine with another suite: they load neither CPU nor disk and race no clock. */
  readonly light: boolean
  /** Files of it that run at the same time. */
  readonly concurrency: number
}

const FOLDERS = [
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
  'bench',
  'scripts',
  'testing',
  'test',
]
/** Suites that are quick arithmetic. Everything unknown is taken for heavy. */
const LIGHT = ['protocol', 'files', 'fleet', 'coordinator', 'cli', 'structure']
/** Suites of many small files that wait more than they work. All other heavy ones run file by file. */
const PAIRED = ['ledger', 'mesh', 'blobs', 'node', 'media', 'scripts', 'testing']
/** The rest follows by name: cheap and telling suites first. */
const ORDER = [
  'protocol',
  'structure',
  'files',
  'fleet',
  'coordinator',
  'cli',
  'scripts',
  'testing',
  'ledger',
  'blobs',
  'mesh',
  'node',
  'media',
]

/** `test/e2e/kill.test.ts` → e2e, `mesh/streams.test.ts` → mesh, `testing/tools/at-end.test.ts` → testing. */
export function suiteOf(path: string): string {
  const [top = '', next = ''] = path.split('/')
  if (top === 'test') return next.endsWith('.ts') ? 'test' : next
  return top
}

export async function findSuites(root: string, { long }: { long: boolean }): Promise<Suite[]> {
  const byName = new Map<string, string[]>()
  for (const folder of FOLDERS) {
    const entries = await readdir(join(root, folder), { recursive: true }).catch(() => [])
    for (const entry of entries.sort()) {
      if (!entry.endsWith('.test.ts') || entry.includes('node_modules')) continue
      if (entry.endsWith('.long.test.ts') && !long) continue
      // They need a container engine, or root: `npm run test:docker`, `npm run test:hosts`.
      if (folder === 'test' && /^(?:docker|hosts)\//.test(entry)) continue
      const path = `${folder}/${entry}`
      byName.set(suiteOf(path), [...(byName.get(suiteOf(path)) ?? []), path])
    }
  }
  const rank = (name: string): number => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1)
  return [...byName]
    .map(([name, files]) => ({ name, files, light: LIGHT.includes(name), concurrency: PAIRED.includes(name) ? 2 : 1 }))
    .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name))
}

/** The suites of these names, or parts of them where a word is the start of a path. Unknown words are answered back. */
export function chooseSuites(
  suites: readonly Suite[],
  words: readonly string[],
): { chosen: Suite[]; unknown: string[] } {
  if (words.length === 0) return { chosen: [...suites], unknown: [] }
  const matches = (suite: Suite, word: string): string[] =>
    suite.name === word ? [...suite.files] : suite.files.filter((file) => word.includes('/') && file.startsWith(word))
  const chosen = suites
    .map((suite) => ({ ...suite, files: [...new Set(words.flatMap((word) => matches(suite, word)))] }))
    .filter((suite) => suite.files.length > 0)
  return { chosen, unknown: words.filter((word) => !suites.some((suite) => matches(suite, word).length > 0)) }
}
