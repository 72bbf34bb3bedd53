/**
 * One process owns a data folder. The lock is an exclusive SQLite transaction: the kernel drops it with its process, however
 * that ends, so that a crash leaves nothing to clean up by hand.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UsageError } from '../../protocol/errors.ts'

/** sqlite.org/rescode.html. */
const SQLITE_BUSY = 5

export interface DataLock {
  release(): void
}

/** `UsageError` names the folder and the process that has it. */
export async function lockDataDir(dir: string): Promise<DataLock> {
  const pidFile = join(dir, 'pid')
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const lock = new DatabaseSync(join(dir, 'lock.db'), { timeout: 0 })
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    await writeFile(pidFile, `${process.pid}\n`)
    return { release: () => void (lock.isOpen && lock.close()) }
  } catch (cause) {
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY)
      throw new UsageError(`the data folder ${dir} cannot be used: ${(cause as Error).message}`, { cause })
    const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim()
    throw new UsageError(
      `another reelmesh${pid && ` (process ${pid})`} is using ${dir}; submit to it with \`reelmesh submit\`, or set REELMESH_DATA_DIR to another folder`,
      { cause },
    )
  }
}
