/**
 * The lock of a data folder: one process owns it. It is an exclusive SQLite transaction: the kernel ends it with the process, so that a crash
 * leaves nothing to clean up. Its database also has the schema version of the folder (`user_version`).
 */
import { existsSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UsageError } from '../../protocol/errors.ts'
import { checkSchemaVersion, SCHEMA_VERSION } from '../../protocol/schema-version.ts'
import { makePrivate } from './private-folder.ts'

/** Result code of SQLite: sqlite.org/rescode.html. */
const SQLITE_BUSY = 5

/** The lock of a data folder, until `release` or the end of the process. */
export interface DataLock {
  release(): void
}

/** Locks a data folder, and creates it where it is missing. Rejects with `UsageError` where another process has it, or its version is another. */
export async function lockDataDir(dir: string): Promise<DataLock> {
  const pidFile = join(dir, 'pid')
  let lock: DatabaseSync | undefined
  try {
    await makePrivate(dir)
    await (await open(join(dir, 'lock.db'), 'a', 0o600)).close()
    const own = new DatabaseSync(join(dir, 'lock.db'), { timeout: 0 })
    lock = own
    own.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    checkVersion(own, dir, existsSync(pidFile))
    own.exec('BEGIN EXCLUSIVE')
    await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
    return { release: () => void (own.isOpen && own.close()) }
  } catch (cause) {
    if (lock?.isOpen) lock.close()
    if (cause instanceof UsageError) throw cause
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY)
      throw new UsageError(`the data folder ${dir} cannot be used: ${(cause as Error).message}`, { cause })
    const pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim()
    throw new UsageError(
      `another reelmesh${pid && ` (process ${pid})`} is using ${dir}; submit to it with \`reelmesh submit\`, or set REELMESH_DATA_DIR to another folder`,
      { cause },
    )
  }
}

/** Checks the version and ends the transaction. The first versions wrote no number, but a `pid` file. */
function checkVersion(lock: DatabaseSync, dir: string, wasUsed: boolean): void {
  const version = Number(lock.prepare('PRAGMA user_version').all()[0]?.user_version)
  if (version !== 0 || wasUsed) checkSchemaVersion(`the data folder ${dir}`, version, 'another folder with --data-dir')
  if (version !== SCHEMA_VERSION) lock.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  lock.exec('COMMIT')
}
