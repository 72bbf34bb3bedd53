/** Folders of people, made where they are missing. */
import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../protocol/errors.ts'
import { flushFolder } from './flush.ts'

/** A folder that can be written to, made where it is missing and flushed into its parent. Rejects with a `UsageError` that says why not. */
export async function prepareFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir)
    await access(dir, constants.W_OK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const why =
      code === 'ENOTDIR' || code === 'EEXIST'
        ? 'is not a folder'
        : code === 'EROFS'
          ? 'is on a read-only file system'
          : 'cannot be written to'
    throw new UsageError(`the output folder ${dir} ${why}; choose another with --out`, { cause })
  }
}

/** Level by level: Node's own recursive mkdir never returns below /proc, where a missing parent cannot be made. */
async function makeFolder(dir: string): Promise<void> {
  const parent = dirname(dir)
  if (parent !== dir && !(await exists(parent))) await makeFolder(parent)
  try {
    await mkdir(dir)
    await flushFolder(parent)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!(await stat(dir)).isDirectory()) throw Object.assign(new Error(`${dir} is not a folder`), { code: 'ENOTDIR' })
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
