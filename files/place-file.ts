/**
 * Moves a complete file to its final name without ever replacing another file: several nodes may deliver into one shared folder.
 * By a hard link, because a rename replaces its target and Node has no rename that refuses to (`RENAME_NOREPLACE`). Where links
 * cannot be made (FAT, some network mounts) an empty file reserves the name until the rename. If the process is killed in between,
 * the empty file stays and counts as another's.
 */
import { link, open, rename, rm } from 'node:fs/promises'
import { fsPath } from '../protocol/path-text.ts'

/**
 * Names the file `part` also `to`, in the same folder; `part` may remain, for the caller to remove. `taken`: a file of that name is
 * there already, and both files are unchanged. Rejects with the error of the file system. Tests replace `makeLink`.
 */
export async function placeFile(part: string, to: string, makeLink = link): Promise<'placed' | 'taken'> {
  try {
    await makeLink(fsPath(part), fsPath(to))
    return 'placed'
  } catch (error) {
    if (isTaken(error)) return 'taken'
  }
  // Any other error: either links are not supported here, or the next call fails with the same error.
  try {
    await (await open(fsPath(to), 'wx')).close()
  } catch (error) {
    if (isTaken(error)) return 'taken'
    throw error
  }
  try {
    await rename(fsPath(part), fsPath(to))
    return 'placed'
  } catch (error) {
    await rm(fsPath(to), { force: true })
    throw error
  }
}

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST'
