/**
 * The files that lie in a watched folder: which of them may be videos, whether one has changed, and where a refused one goes, with a text
 * beside it. Hidden and partial files, and rejected ones, are left out.
 */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { fsPath, pathText } from '../../protocol/path-text.ts'

const REJECTED = 'rejected'
const PARTIAL = /^\.|\.(part|partial|tmp|crdownload|download)$|~$/i

/** What lies in a folder; paths are relative to it. */
export interface FolderContent {
  /** Every file that may be a video, with its print (`printOf`), sorted by path. */
  readonly files: ReadonlyMap<string, string>
  /** Links to folders. None is followed, as it may lead back. */
  readonly folderLinks: readonly string[]
}

/** Reads a folder and those below it. Rejects where the folder itself cannot be read. */
export async function contentOf(input: string): Promise<FolderContent> {
  const found = new Map<string, string>()
  const folderLinks: string[] = []
  for await (const { path, isFolder } of entriesBelow(input)) {
    const print = isFolder ? null : await printOf(join(input, path))
    if (isFolder) folderLinks.push(path)
    else if (print !== null) found.set(path, print)
  }
  return { files: new Map([...found].sort(([a], [b]) => a.localeCompare(b))), folderLinks }
}

/** Moves a file of the folder to the same path below `rejected/`, with a text beside it that says why. Rejects where it has no room or right. */
export async function moveToRejected(input: string, file: string, why: string): Promise<void> {
  const to = await freeName(join(input, REJECTED), file)
  await mkdir(fsPath(dirname(to)), { recursive: true })
  // The text first: without room for it the file stays, and is asked after again.
  await writeFile(fsPath(`${to}.txt`), `${why}\n`)
  await rename(fsPath(join(input, file)), fsPath(to)).catch(async (error) => {
    await rm(fsPath(`${to}.txt`), { force: true })
    throw error
  })
}

interface Entry {
  readonly path: string
  /** Whether it is a link to a folder. */
  readonly isFolder: boolean
}

/** Files, links to files, and links to folders, by their relative paths. */
async function* entriesBelow(input: string, folder = ''): AsyncGenerator<Entry> {
  const options = { withFileTypes: true, encoding: 'buffer' } as const
  const entries = await readdir(fsPath(join(input, folder)), options).catch((error: unknown) => {
    if (folder === '') throw error
    // Gone meanwhile, or not for this user to read: the others are no worse for it.
    return []
  })
  for (const entry of entries) {
    const name = pathText(entry.name)
    const path = join(folder, name)
    if (path === REJECTED || PARTIAL.test(name)) continue
    if (entry.isDirectory()) yield* entriesBelow(input, path)
    else if (entry.isFile()) yield { path, isFolder: false }
    else if (entry.isSymbolicLink()) {
      const facts = await stat(fsPath(join(input, path))).catch(() => null)
      if (facts?.isFile() || facts?.isDirectory()) yield { path, isFolder: facts.isDirectory() }
    }
  }
}

/** `size:mtime` of a file, in bytes and ms; null where it is gone. */
export async function printOf(path: string): Promise<string | null> {
  const facts = await stat(fsPath(path)).catch(() => null)
  return facts && `${facts.size}:${Math.trunc(facts.mtimeMs)}`
}

/** The size in a print, bytes. */
export const bytesOf = (print: string): number => Number(print.split(':')[0])

/** `clip.mp4`, or `clip-2.mp4` and so on where an earlier one lies: neither it nor its text is written over. */
async function freeName(dir: string, file: string): Promise<string> {
  const ending = extname(file)
  const stem = file.slice(0, file.length - ending.length)
  const isThere = async (path: string) => (await printOf(path)) !== null
  for (let n = 1; ; n++) {
    const path = join(dir, n === 1 ? file : `${stem}-${n}${ending}`)
    if (!(await isThere(path)) && !(await isThere(`${path}.txt`))) return path
  }
}
