/**
 * The destination that is a folder. Unfinished bytes are in a hidden file beside their path, `.<video>-<start of the sha256>-<end of the
 * peer id>.part`, as renames and links work within one file system only. A restarted process finds the file again.
 */
import { constants } from 'node:fs'
import { copyFile, link, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobRef } from '../protocol/blobs.ts'
import { CopyMismatch, checkPath, type Destination, type DestinationFile } from '../protocol/destination.ts'
import { fsPath } from '../protocol/path-text.ts'
import { createFileHashes } from './file-hashes.ts'
import { flush, flushFolder } from './flush.ts'
import { hashFile } from './hash-file.ts'
import { placeFile } from './place-file.ts'
import { prepareFolder } from './prepare-folder.ts'

/** The calls of the file system that tests replace. */
export interface Disk {
  readonly copyFile: typeof copyFile
  readonly link: typeof link
}

/** A destination for the folder of this absolute path, which may be missing still. Promises and errors: `Destination`. */
export function createFileDestination(folder: string, disk: Disk = { copyFile, link }): Destination {
  const hashes = createFileHashes()
  const at = (path: string): string => {
    checkPath(path)
    return join(folder, path)
  }
  const partOf = ({ path, sha256, video, peer }: DestinationFile): string =>
    join(dirname(at(path)), `.${video}-${sha256.slice(0, 16)}-${peer.slice(-8)}.part`)

  /** Places the part file. Removes it before the folder is flushed, so that it does not return after a power cut. */
  async function name(file: DestinationFile, { replace, signal }: Parameters<Destination['place']>[1]) {
    const [to, part] = [at(file.path), partOf(file)]
    const isThere = async () => (await hashes.at(to, signal)) === file.sha256
    try {
      if (await isThere()) return 'there'
      if (replace) await rename(fsPath(part), fsPath(to))
      else if ((await placeFile(part, to, disk.link)) === 'taken') return (await isThere()) ? 'there' : 'taken'
      return 'placed'
    } finally {
      await rm(fsPath(part), { force: true })
    }
  }

  return {
    address: folder,
    prepare: () => prepareFolder(folder),
    async bytesAt(path) {
      const facts = await stat(fsPath(at(path))).catch(() => null)
      return facts?.size ?? null
    },
    sha256At: async (path, signal) => await hashes.at(at(path), signal),
    async put(file, from, signal) {
      const part = partOf(file)
      await prepareFolder(dirname(part))
      // A part file that a killed process left may be a link to a placed file: remove it instead of writing into it.
      await rm(fsPath(part), { force: true })
      try {
        if (!(await copyExactly(from, part, file, { disk, signal }))) throw new CopyMismatch(at(file.path))
        await flush(part)
      } catch (error) {
        await rm(fsPath(part), { force: true })
        throw error
      }
    },
    async place(file, options) {
      const to = at(file.path)
      const outcome = await name(file, options)
      if (outcome === 'there') await flush(to)
      if (outcome !== 'taken') await flushFolder(dirname(to))
      return outcome
    },
    async move(from, to) {
      await rename(fsPath(at(from)), fsPath(at(to))).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    },
    async fetch(file, to, signal) {
      const from = at(file.path)
      try {
        return await copyExactly(from, to, file, { disk, signal })
      } catch {
        signal.throwIfAborted()
        return false
      }
    },
  }
}

/** Copies the file; false where the written bytes do not have the sha256 and size. */
async function copyExactly(
  from: string,
  to: string,
  ref: BlobRef,
  { disk, signal }: { readonly disk: Disk; readonly signal: AbortSignal },
): Promise<boolean> {
  signal.throwIfAborted()
  await copyWhole(from, to, ref.bytes, disk)
  const copied = await hashFile(to, signal)
  return copied.sha256 === ref.sha256 && copied.bytes === ref.bytes
}

/** Copies a whole file, and rejects with `ENOSPC` before it starts where it does not fit. A copy that shares blocks needs no space. */
async function copyWhole(from: string, to: string, bytes: number, disk: Disk): Promise<void> {
  try {
    return await disk.copyFile(fsPath(from), fsPath(to), constants.COPYFILE_FICLONE_FORCE)
  } catch {
    const { blocks, bavail, bsize } = await statfs(fsPath(dirname(to)))
    // Some file systems report a size of 0.
    if (blocks > 0 && bavail * bsize < bytes) throw Object.assign(new Error(`${to} does not fit`), { code: 'ENOSPC' })
    await disk.copyFile(fsPath(from), fsPath(to))
  }
}
