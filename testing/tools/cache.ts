/**
 * Where scripts and tests keep what they have brought: `$XDG_CACHE_HOME/reelmesh`, else `~/.cache/reelmesh`. All of it
 * may be deleted at any time; it is fetched again when it is needed.
 */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { filesBelow } from './folder.ts'

export function cachePath(...parts: string[]): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'reelmesh', ...parts)
}

/**
 * Fills a new folder and gives it its name in one step: whoever sees `path` sees all of it, and two who fill it at the
 * same time end with one of the two equal results.
 */
export async function fillFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = await mkdtemp(`${path}.draft-`)
  try {
    await fill(draft)
    await rename(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** As `fillFolder`, where no file is below `path` yet. */
export async function fillFolderOnce(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  if ((await filesBelow(path)).length === 0) await fillFolder(path, fill)
}
