/**
 * Gives a whole file a name in the same folder (its old one may stay, for the caller to remove), and never takes the name from
 * another file: several nodes may deliver into one shared folder. By a hard link, as a rename replaces what is there and Node has
 * none that refuses to (`RENAME_NOREPLACE`). Where links cannot be made (FAT, some network mounts) an empty file holds the name
 * until the rename, a moment later; killed in between it stays, and counts as somebody else's.
 */
import { link, open, rename, rm } from 'node:fs/promises'

export async function placeFile(part: string, to: string, makeLink = link): Promise<'placed' | 'taken'> {
  try {
    await makeLink(part, to)
    return 'placed'
  } catch (error) {
    if (isTaken(error)) return 'taken'
  }
  // Whatever else stood in the way of the link stands in the way of this too, or it was the link.
  try {
    await (await open(to, 'wx')).close()
  } catch (error) {
    if (isTaken(error)) return 'taken'
    throw error
  }
  try {
    await rename(part, to)
    return 'placed'
  } catch (error) {
    await rm(to, { force: true })
    throw error
  }
}

const isTaken = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST'
