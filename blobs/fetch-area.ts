/**
 * Partial files of blobs that are being fetched. Each belongs to one process at a time, by its name:
 *
 *   fetching/<sha256>         free: left by an interrupted fetch, to be resumed by the next one
 *   fetching/<sha256>.<pid>   owned by that process; free again when the process has ended
 *
 * `take` and `releaseFile` are renames, so that two processes cannot own the same file: the second one starts an empty file.
 */
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isSha256, type Sha256 } from '../protocol/ids.ts'
import { PARTIAL_RETENTION_MS } from '../protocol/limits.ts'

/** The partial files of one store. Methods reject with errors of the file system. */
export interface FetchArea {
  /** Path that this process may write to; it holds the bytes of an earlier, interrupted fetch. */
  take(sha256: Sha256): Promise<string>
  /** Leaves the partial file for a later fetch. */
  releaseFile(sha256: Sha256): Promise<void>
  discard(sha256: Sha256): Promise<void>
  /** Frees the files of ended processes; with the wall clock's `now`, files not resumed for `PARTIAL_RETENTION_MS` are removed. */
  tidy(now?: number): Promise<void>
}

/** The area in the folder `dir`, which exists. */
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
