/**
 * Hashes of files that people may change. A file is read again only when its inode, size or modification time has changed:
 * a delivery that waits for further files checks those in place every second.
 */
import { stat } from 'node:fs/promises'
import type { Sha256 } from '../protocol/ids.ts'
import { hashFile } from './hash-file.ts'

/** A cache of hashes by path, without bound: its owner forgets what it no longer needs. */
export interface FileHashes {
  /** The sha256 of the file, or null where no file can be read. Never rejects. */
  at(path: string): Promise<Sha256 | null>
  /** Drops the cached hash: the next `at` reads the file. */
  forget(path: string): void
}

/** An empty cache. */
export function createFileHashes(): FileHashes {
  const known = new Map<string, { print: string; sha256: Sha256 }>()
  return {
    async at(path) {
      try {
        const { ino, size, mtimeMs } = await stat(path)
        const print = `${ino}:${size}:${mtimeMs}`
        const before = known.get(path)
        if (before?.print === print) return before.sha256
        const { sha256 } = await hashFile(path)
        known.set(path, { print, sha256 })
        return sha256
      } catch {
        known.delete(path)
        return null
      }
    },
    forget: (path) => void known.delete(path),
  }
}
