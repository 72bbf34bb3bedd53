/**
 * Hashes of files that people may change. A file is read again only when its identity has changed: a delivery that waits for further files
 * checks those in place every second.
 */
import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Sha256 } from '../protocol/ids.ts'
import { fsPath } from '../protocol/path-text.ts'
import { hashFiles } from './hash-file.ts'
import { trackFiles } from './track-folder.ts'

/**
 * Whatever shows of a change of the content: as long as it is the same, the content is taken for the same. The times are of ns. The change
 * time (ctime) differs even where an owner sets the modification time back, and also after a new link, name or mode of the same bytes.
 */
export const fileIdentity = (of: Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>): string =>
  [of.dev, of.ino, of.size, of.mtimeNs, of.ctimeNs].join(':')

/** The identity of the file at this path now; null where there is no file. */
export async function identityAt(path: string): Promise<string | null> {
  const found = await stat(fsPath(path), { bigint: true }).catch(() => null)
  return found?.isFile() ? fileIdentity(found) : null
}

/** A cache of hashes by path, without bound: its owner drops it with the files that it was made for. */
export interface FileHashes {
  /** The sha256 of the file, or of the files of a track's folder; null where none can be read. Rejects only with the reason of the signal. */
  at(path: string, signal: AbortSignal): Promise<Sha256 | null>
  /** The same, with what was hashed. Rejects only with the reason of the signal. */
  lookUp(path: string, signal: AbortSignal): Promise<HashedFiles | null>
}

/** Files with the sha256 of their bytes behind one another. */
export interface HashedFiles {
  readonly sha256: Sha256
  readonly files: readonly HashedFile[]
}

/** A file as it was when it was hashed. */
export interface HashedFile {
  readonly path: string
  readonly bytes: number
  /** As of `fileIdentity`. */
  readonly identity: string
}

/** An empty cache. */
export function createFileHashes(): FileHashes {
  const known = new Map<string, HashedFiles>()
  async function lookUp(path: string, signal: AbortSignal): Promise<HashedFiles | null> {
    try {
      const files = await Promise.all((await bytesOf(path)).map(asItIs))
      const before = known.get(path)
      if (before && isDeepStrictEqual(before.files, files)) return before
      const { sha256 } = await hashFiles(
        files.map((file) => file.path),
        signal,
      )
      const hashed = { sha256, files }
      known.set(path, hashed)
      return hashed
    } catch {
      signal.throwIfAborted()
      known.delete(path)
      return null
    }
  }
  return { lookUp, at: async (path, signal) => (await lookUp(path, signal))?.sha256 ?? null }
}

async function asItIs(path: string): Promise<HashedFile> {
  const facts = await stat(fsPath(path), { bigint: true })
  return { path, bytes: Number(facts.size), identity: fileIdentity(facts) }
}

/** The files whose bytes are at a path: it alone, or those of the folder of a track. Rejects for another folder, and with the error of the file system. */
export async function bytesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(fsPath(path))).isDirectory()) return [path]
  const files = await trackFiles(path)
  if (files === null) throw new Error(`${path} is a folder`)
  return files
}
