/** Prepares folders that people named for writing. */
import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import { flushFolder } from './flush.ts'

/** Creates the folder where it is missing, flushes its parent, and checks that it can be written to. Rejects with `UsageError`. */
export async function prepareFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir)
    await access(fsPath(dir), constants.W_OK)
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

/** Creates the folder level by level: Node's recursive mkdir never returns below /proc, where a missing parent cannot be created. */
async function makeFolder(dir: string): Promise<void> {
  const parent = dirname(dir)
  if (parent !== dir && !(await exists(parent))) await makeFolder(parent)
  try {
    await mkdir(fsPath(dir))
    await flushFolder(parent)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!(await stat(fsPath(dir))).isDirectory())
    throw Object.assign(new Error(`${dir} is not a folder`), { code: 'ENOTDIR' })
}

const exists = (path: string): Promise<boolean> =>
  stat(fsPath(path)).then(
    () => true,
    () => false,
  )
