/** Replaces a small file so that after a crash or a power cut it holds either all of the old content or all of the new. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { flushFolder } from './flush.ts'

/** Where the temporary file lies, and the mode of the result. */
export interface DurableWriteOptions {
  /**
   * Path of the temporary file: in the folder of the target, as a rename works within one file system only, and used by no other
   * write at the same time. It stays only where the process is killed; then the owner of the folder removes it.
   */
  readonly temporary: string
  /** Permission bits of the file, as of `open(2)`; default: 0o666 less the umask. */
  readonly mode?: number
}

/**
 * Writes a temporary file, flushes it, renames it to `path` and flushes the folder, which is created where it is missing.
 * Resolves when the content is on the disk. Rejects with the error of the file system (`ENOSPC`, `EACCES` …): the temporary file
 * is removed then, and `path` is as it was, unless only the flush of the folder failed.
 */
export async function durableWrite(
  path: string,
  content: string | Uint8Array,
  options: DurableWriteOptions,
): Promise<void> {
  const { temporary, mode = 0o666 } = options
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  try {
    await writeFile(temporary, content, { mode, flush: true })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await flushFolder(folder)
}
