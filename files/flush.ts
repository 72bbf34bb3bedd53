/**
 * Flushes what a power cut must not take: a file's bytes before it gets its name, and the folder after, which holds the name.
 */
import { open } from 'node:fs/promises'

/** Flushes the content of a file, or the entries of a folder, to the disk. Rejects with the error of the file system. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What file systems answer that cannot flush a folder, and folders that may be written to but not read. */
const CANNOT = ['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES']

/** For folders of people, which may lie on anything: one that cannot be flushed is left as it is. */
export async function flushFolder(path: string): Promise<void> {
  try {
    await flush(path)
  } catch (error) {
    if (!CANNOT.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
