/**
 * Flushes files and folders to the disk, so that a power cut loses nothing: a file's bytes before its rename, and the folder after.
 */
import { open } from 'node:fs/promises'
import { fsPath } from '../protocol/path-text.ts'

/** Flushes the content of a file, or the entries of a folder, to the disk. Rejects with the error of the file system. */
export async function flush(path: string): Promise<void> {
  const file = await open(fsPath(path), 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Error codes of file systems that cannot flush a folder, and of folders that may be written to but not read. */
const CANNOT = ['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES']

/**
 * Flushes a folder that people chose: where its file system cannot flush folders, or its permissions forbid it, nothing happens. Rejects
 * with other errors of the file system, such as `ENOENT`.
 */
export async function flushFolder(path: string): Promise<void> {
  try {
    await flush(path)
  } catch (error) {
    if (!CANNOT.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
