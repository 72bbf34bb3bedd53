/**
 * Hashes of files that people may change, each read once while its size and time stay the same: what is in place already while
 * the rest of a delivery is waited for is looked at every second.
 */
import { stat } from 'node:fs/promises'
import type { Sha256 } from '../protocol/ids.ts'
import { hashFile } from './hash-file.ts'

export interface FileHashes {
  /** Null where there is no file that can be read. */
  at(path: string): Promise<Sha256 | null>
  forget(path: string): void
}

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
