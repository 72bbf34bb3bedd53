/**
 * Blobs on their way here. A partial file belongs to one process at a time, by its name:
 *
 *   fetching/<sha256>         nobody works on it: what an interrupted fetch left, to be resumed by whoever comes next
 *   fetching/<sha256>.<pid>   that process works on it; free again when the process is gone
 *
 * Taking and giving back are renames, so two processes that want the same one cannot both have it: the loser starts anew.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSha256, type Sha256 } from '../protocol/ids.ts'
import { PARTIAL_RETENTION_MS } from '../protocol/limits.ts'

export interface FetchArea {
  /** Where this process may write these bytes; what an earlier fetch left is already there. */
  take(sha256: Sha256): Promise<string>
  /** Leaves the partial file for a later fetch. */
  releaseFile(sha256: Sha256): Promise<void>
  discard(sha256: Sha256): Promise<void>
  /** Names of processes that are gone are taken off; with the wall clock's `now`, what nobody resumed for `PARTIAL_RETENTION_MS` goes. */
  tidy(now?: number): Promise<void>
}

export function createFetchArea(dir: string): FetchArea {
  const free = (sha256: Sha256) => join(dir, sha256)
  const own = (sha256: Sha256) => join(dir, `${sha256}.${process.pid}`)

  const release = async (only?: Sha256) => {
    for (const name of await readdir(dir)) {
      const [sha256 = '', pid] = name.split('.')
      if (!isSha256(sha256) || pid === undefined || (only !== undefined && sha256 !== only)) continue
      if (!isAlive(Number(pid))) await rename(join(dir, name), free(sha256)).catch(() => {})
    }
  }
  return {
    take: async (sha256) => {
      if (!isSha256(sha256)) throw new TypeError('not a sha256')
      await release(sha256)
      await rename(free(sha256), own(sha256)).catch(ignoreMissing)
      return own(sha256)
    },
    releaseFile: (sha256) => rename(own(sha256), free(sha256)).catch(ignoreMissing),
    discard: (sha256) => rm(own(sha256), { force: true }),
    tidy: async (now) => {
      await release()
      for (const name of await readdir(dir)) {
        if (now === undefined || !isSha256(name)) continue
        const file = await stat(free(name)).catch(() => null)
        if (file && now - file.mtimeMs > PARTIAL_RETENTION_MS) await rm(free(name), { force: true })
      }
    },
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

/** Whether a process of this machine with that id exists. An id used again only delays a cleanup. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
