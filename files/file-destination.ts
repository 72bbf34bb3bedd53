/**
 * The destination that is a folder. Unfinished bytes are in a hidden file beside their path, `.<video>-<start of the sha256>-<end of the
 * peer id>.part`, as renames and links work within one file system only. A restarted process finds the file again.
 */
import { constants } from 'node:fs'
import { chmod, copyFile, link, lstat, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BlobRef } from '../protocol/blobs.ts'
import {
  CopyMismatch,
  checkPath,
  type Destination,
  type DestinationFile,
  FILE_MODE,
  type FileAt,
} from '../protocol/destination.ts'
import { UsageError } from '../protocol/errors.ts'
import { fsPath } from '../protocol/path-text.ts'
import { bytesOf, createFileHashes } from './file-hashes.ts'
import { flush, flushFolder } from './flush.ts'
import { hashFile } from './hash-file.ts'
import { placeFile } from './place-file.ts'
import { prepareFolder } from './prepare-folder.ts'
import { readUnchanged } from './read-unchanged.ts'
import { divideTrack, joinTrack } from './track-folder.ts'

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
  const partOf = (file: DestinationFile): string =>
    join(dirname(at(file.path)), `${partStart(file)}${file.peer.slice(-8)}.part`)

  /** Places the part file. Removes it before the folder is flushed, so that it does not return after a power cut. */
  async function name(file: DestinationFile, { replace, signal }: Parameters<Destination['place']>[1]) {
    const [to, part] = [at(file.path), partOf(file)]
    const isThere = async () => (await hashes.at(to, signal)) === file.sha256
    try {
      await mustOwnLinks(folder, file.path)
      if (await isThere()) return 'there'
      if (replace) await replaceBy(part, to)
      else if ((await (file.is_folder ? placeFolder(part, to) : placeFile(part, to, disk.link))) === 'taken')
        return (await isThere()) ? 'there' : 'taken'
      return 'placed'
    } finally {
      await remove(part)
    }
  }

  return {
    address: folder,
    prepare: () => prepareFolder(folder),
    bytesAt: async (path) => await sizeOf(at(path)),
    sha256At: async (path, signal) => await hashes.at(at(path), signal),
    async put(file, from, signal) {
      const part = partOf(file)
      await mustOwnLinks(folder, file.path)
      await prepareFolder(dirname(part))
      // A part file that a killed process left may be a link to a placed file: remove it instead of writing into it.
      await remove(part)
      try {
        if (file.is_folder) await putFolder(file, from, part, signal)
        else await putFile(file, from, part, { disk, signal, where: at(file.path) })
      } catch (error) {
        await remove(part)
        throw error
      }
    },
    async place(file, options) {
      const to = at(file.path)
      const outcome = await name(file, options)
      if (options.isOnly && outcome !== 'taken') await removeParts(file, dirname(to))
      if (outcome === 'there') for (const each of await bytesOf(to)) await flush(each)
      if (outcome !== 'taken') await flushFolder(dirname(to))
      return outcome
    },
    async move(from, to) {
      await replaceBy(at(from), at(to)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    },
    fetch: async (file, to, signal) => await fetchTo(file, { from: at(file.path), to, disk, signal }),
    async *read(file, range, signal) {
      const path = at(file.path)
      const found = await hashes.lookUp(path, signal)
      if (found?.sha256 !== file.sha256) throw new CopyMismatch(path)
      yield* readUnchanged(found.files, range, signal)
    },
  }
}

/** Copies a delivered file; false where its bytes are missing or others. Rejects with the signal's reason. */
async function fetchTo(
  file: FileAt,
  { from, to, disk, signal }: { readonly from: string; readonly to: string; readonly disk: Disk; signal: AbortSignal },
): Promise<boolean> {
  try {
    if (file.is_folder) return isOf(file, await joinTrack(from, to, signal))
    return await copyExactly(from, to, file, { disk, signal })
  } catch {
    signal.throwIfAborted()
    return false
  }
}

/** Bytes of what is at a path; null where nothing can be read. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    const all = await Promise.all((await bytesOf(path)).map((each) => stat(fsPath(each))))
    return all.reduce((sum, { size }) => sum + size, 0)
  } catch {
    return null
  }
}

/** Read once: to read it sets it, for a moment and for every thread. */
const UMASK = process.umask()
const OWNERS = 0o600

const modeOf = (mode: number): number => (mode & FILE_MODE & ~UMASK) | OWNERS

/** Some file systems have no modes of their own: what is there is seen as the mount says, the source too if it lies there. */
async function setMode(path: string, mode: number): Promise<void> {
  // Not by its name: another user who replaced it by a link would have another file opened to everybody.
  const part = await open(fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if ((await part.stat()).nlink !== 1) throw new Error(`${path} has been replaced`)
    await part.chmod(modeOf(mode))
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await part.close()
  }
}

/** The beginning of the names of unfinished bytes of this file, whichever peer has put them. */
const partStart = ({ video, sha256 }: DestinationFile): string => `.${video}-${sha256.slice(0, 16)}-`

/** Removes unfinished bytes that other peers have left of this file. */
async function removeParts(file: DestinationFile, dir: string): Promise<void> {
  for (const name of await readdir(fsPath(dir)))
    if (name.startsWith(partStart(file)) && name.endsWith('.part')) await remove(join(dir, name))
}

const remove = (path: string): Promise<void> => rm(fsPath(path), { recursive: true, force: true })

const ROOT = 0

/** Rejects with `UsageError` where a folder on the way to the path is a link that another user made: it could lead anywhere. */
async function mustOwnLinks(folder: string, path: string): Promise<void> {
  const names = dirname(path).split('/')
  for (let length = 1; length <= names.length; length++) {
    const on = join(folder, ...names.slice(0, length))
    const facts = await lstat(fsPath(on)).catch(() => null)
    if (facts?.isSymbolicLink() && ![process.getuid?.(), ROOT].includes(facts.uid))
      throw new UsageError(`"${on}" is a link that another user made, and nothing is delivered through it; remove it`)
  }
}

/** Copies the file; false where the written bytes do not have the sha256 and size. */
async function copyExactly(
  from: string,
  to: string,
  ref: BlobRef,
  { disk, signal, flags = 0 }: { readonly disk: Disk; readonly signal: AbortSignal; readonly flags?: number },
): Promise<boolean> {
  signal.throwIfAborted()
  await copyWhole(from, to, ref.bytes, { disk, flags })
  return isOf(ref, await hashFile(to, signal))
}

const isOf = (ref: BlobRef, found: BlobRef | null): boolean => found?.sha256 === ref.sha256 && found.bytes === ref.bytes

/** Writes a file. Rejects with `CopyMismatch`, which names `where`, where it does not have the sha256 and size. */
async function putFile(
  file: DestinationFile,
  from: string,
  part: string,
  { disk, signal, where }: { readonly disk: Disk; readonly signal: AbortSignal; readonly where: string },
): Promise<void> {
  // Exclusively: another user who makes a link of that name meanwhile has nothing written through it.
  if (!(await copyExactly(from, part, file, { disk, signal, flags: constants.COPYFILE_EXCL })))
    throw new CopyMismatch(where)
  await setMode(part, file.mode)
  await flush(part)
}

/** Writes the folder of a track. Rejects with `CopyMismatch` where its files do not have the sha256 and size. */
async function putFolder(file: DestinationFile, from: string, part: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await mustFit(part, file.bytes)
  const mode = modeOf(file.mode)
  if (!isOf(file, await divideTrack(from, part, { mode, signal }))) throw new CopyMismatch(part)
  // Who may read the files may enter the folder.
  await chmod(fsPath(part), mode | ((mode & 0o444) >> 2))
}

/** Names a folder `to`, where nothing or an empty folder is. */
async function placeFolder(part: string, to: string): Promise<'placed' | 'taken'> {
  try {
    await rename(fsPath(part), fsPath(to))
    return 'placed'
  } catch (error) {
    if (isOther(error)) return 'taken'
    throw error
  }
}

/** Names a file or folder `to`, in place of what is there. */
async function replaceBy(from: string, to: string): Promise<void> {
  try {
    await rename(fsPath(from), fsPath(to))
  } catch (error) {
    if (!isOther(error)) throw error
    // Rejects for a folder that is no track: it is of others.
    await bytesOf(to)
    await remove(to)
    await rename(fsPath(from), fsPath(to))
  }
}

/** A rename does not replace a folder with something in it, nor a file by a folder or the reverse. */
const isOther = (error: unknown): boolean =>
  ['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Copies a whole file, and rejects with `ENOSPC` before it starts where it does not fit. A copy that shares blocks needs no space. */
async function copyWhole(
  from: string,
  to: string,
  bytes: number,
  { disk, flags }: { readonly disk: Disk; readonly flags: number },
): Promise<void> {
  try {
    return await disk.copyFile(fsPath(from), fsPath(to), constants.COPYFILE_FICLONE_FORCE | flags)
  } catch {
    await mustFit(to, bytes)
    await disk.copyFile(fsPath(from), fsPath(to), flags)
  }
}

async function mustFit(to: string, bytes: number): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(fsPath(dirname(to)))
  // Some file systems report a size of 0.
  if (blocks > 0 && bavail * bsize < bytes) throw Object.assign(new Error(`${to} does not fit`), { code: 'ENOSPC' })
}
