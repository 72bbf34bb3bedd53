/** Folders for tests, and what is in them. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { atEnd, type Ends } from './at-end.ts'

/** A folder of the test's own, removed at its end. */
export async function folder(t: Ends): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'reelmesh-e2e-'))
  atEnd(t, () => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Every file below a folder, relative to it, sorted. */
export async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort()
}
