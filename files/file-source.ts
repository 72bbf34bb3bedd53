/** The source that is a file of this machine: read where it lies, and held by reference. */
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { FILE_MODE } from '../protocol/destination.ts'
import { SourceRefused } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import { type Source, unsettled } from '../protocol/source.ts'
import { fileIdentity } from './file-hashes.ts'
import { piecesOf } from './hash-file.ts'

/** The file with this absolute path. See `Source` for its promises and errors. */
export function createFileSource(path: string): Source {
  const facts = async (): Promise<BigIntStats> => {
    const found = await stat(fsPath(path), { bigint: true }).catch(refuseMissing)
    if (!found.isFile()) throw refused('it is not a regular file')
    return found
  }
  const refused = (why: string, cause?: unknown) => new SourceRefused(`${JSON.stringify(path)}: ${why}.`, { cause })
  const refuseMissing = (error: NodeJS.ErrnoException): never => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? refused('there is no such file', error) : error
  }
  const source: Source = {
    address: path,
    name: nameOf(path),
    input: async () => path,
    async stat() {
      const found = await facts()
      return { bytes: Number(found.size), identity: fileIdentity(found), mode: Number(found.mode) & FILE_MODE }
    },
    async *read({ from, to, identity }, signal) {
      const file: FileHandle = await open(fsPath(path), 'r').catch(refuseMissing)
      try {
        if (fileIdentity(await file.stat({ bigint: true })) !== identity) throw unsettled(source)
        let at = from
        for await (const piece of piecesOf(file, { from, to }, signal)) {
          at += piece.byteLength
          yield piece
        }
        if (at < to) throw unsettled(source)
      } finally {
        await file.close()
      }
    },
    async hold({ sha256, bytes, identity }, video, store) {
      if (fileIdentity(await facts()) !== identity) throw unsettled(source)
      await store.refer(video, { sha256, bytes, path, identity })
    },
  }
  return source
}

/** The name without its ending; the whole name where `.` or `..` would be left, which is none of a file. */
function nameOf(path: string): string {
  const stem = basename(path, extname(path))
  return /^\.{0,2}$/.test(stem) ? basename(path) : stem
}
