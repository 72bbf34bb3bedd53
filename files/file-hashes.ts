/**
 * Hashes of files that people may change. A file is read again only when its inode, size or modification time has changed:
 * a delivery that waits for further files checks those in place every second.
 */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Sha256 } from '../protocol/ids.ts'
import { fsPath } from '../protocol/path-text.ts'
import { hashFile } from './hash-file.ts'

/** Whatever shows of a change of the content: as long as it is the same, the content is taken for the same. */
export const fileIdentity = ({ ino, size, mtimeMs }: Pick<Stats, 'ino' | 'size' | 'mtimeMs'>): string =>
  `${ino}:${size}:${mtimeMs}`

/** A cache of hashes by path, without bound: its owner drops it with the files that it was made for. */
export interface FileHashes {
  /** The sha256 of the file, or null where no file can be read. Rejects only with the reason of the signal. */
  at(path: string, signal: AbortSignal): Promise<Sha256 | null>
}

/** An empty cache. */
export function createFileHashes(): FileHashes {
  const known = new Map<string, { identity: string; sha256: Sha256 }>()
  return {
    async at(path, signal) {
      try {
        const identity = fileIdentity(await stat(fsPath(path)))
        const before = known.get(path)
        if (before?.identity === identity) return before.sha256
        const { sha256 } = await hashFile(path, signal)
        known.set(path, { identity, sha256 })
        return sha256
      } catch {
        signal.throwIfAborted()
        known.delete(path)
        return null
      }
    },
  }
}
