/**
 * The files that lie in a watched folder: which of them may be videos, whether one has changed, and where a refused one goes, with a text
 * beside it. Hidden and partial files, and rejected ones, are left out.
 *
 * Other users may write to the folder. A link that one of them made reads and moves nothing with this user's rights: it is taken only where
 * its target is of the same user, and nothing is moved through a link.
 */
import { lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join, sep } from 'node:path'
import { UsageError } from '../../protocol/errors.ts'
import { fsPath, pathText } from '../../protocol/path-text.ts'

const REJECTED = 'rejected'
const ROOT = 0
const PARTIAL = /^\.|\.(part|partial|tmp|crdownload|download)$|~$/i

/** What lies in a folder; paths are relative to it. */
export interface FolderContent {
  /** Every file that may be a video, with its print (`printOf`), sorted by path. */
  readonly files: ReadonlyMap<string, string>
  /** Links that are not followed: to folders, as they may lead back, and those of other users to files that are not theirs. */
  readonly links: readonly UnfollowedLink[]
}

/** A link that is not followed. */
export interface UnfollowedLink {
  readonly path: string
  readonly to: 'a folder' | 'a file of another user'
}

/** Reads a folder and those below it. Rejects where the folder itself cannot be read. */
export async function contentOf(input: string): Promise<FolderContent> {
  const found = new Map<string, string>()
  const links: UnfollowedLink[] = []
  for await (const { path, unfollowed } of entriesBelow(input)) {
    const print = unfollowed ? null : await printOf(join(input, path))
    if (unfollowed) links.push({ path, to: unfollowed })
    else if (print !== null) found.set(path, print)
  }
  return { files: new Map([...found].sort(([a], [b]) => a.localeCompare(b))), links }
}

/** Why the link at `path` is not followed; null for a file, and for a link to a file that its owner could have put here. */
async function whyUnfollowed(path: string): Promise<UnfollowedLink['to'] | null> {
  const [entry, target] = await Promise.all([lstat(fsPath(path)), stat(fsPath(path))])
  if (target.isDirectory()) return 'a folder'
  return !entry.isSymbolicLink() || mayFollow(entry.uid, target.uid, process.getuid?.())
    ? null
    : 'a file of another user'
}

/** Whether a link of user `owner` to a file of user `target` is followed by user `self`: it shows its maker nothing that is not theirs. */
export const mayFollow = (owner: number, target: number, self: number | undefined): boolean =>
  [target, self, ROOT].includes(owner)

/**
 * Moves a file of the folder to the same path below `rejected/`, with a text beside it that says why. Rejects where it has no room or right,
 * and with `UsageError` where a folder on the way is a link, or one below `rejected/` is of another user, who could make it one.
 */
export async function moveToRejected(input: string, file: string, why: string): Promise<void> {
  const folders = dirname(file).split(sep)
  const owners = [process.getuid?.(), (await stat(fsPath(input))).uid, ROOT]
  for (const folder of stepsOf(input, folders)) await mustBeFolder(folder)
  for (const folder of stepsOf(input, [REJECTED, ...folders])) {
    await mkdir(fsPath(folder), { mode: 0o755 }).catch(unlessThere)
    await mustBeFolder(folder, owners)
  }
  const to = await freeName(join(input, REJECTED), file)
  // The text first: without room for it the file stays, and is asked after again.
  await writeFile(fsPath(`${to}.txt`), `${why}\n`, { flag: 'wx' })
  await rename(fsPath(join(input, file)), fsPath(to)).catch(async (error) => {
    await rm(fsPath(`${to}.txt`), { force: true })
    throw error
  })
}

/** Every folder on the way down, from the first below `base`. */
function stepsOf(base: string, folders: readonly string[]): string[] {
  const names = folders.filter((name) => name !== '.')
  return names.map((_, at) => join(base, ...names.slice(0, at + 1)))
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** Rejects with `UsageError` where it is a link or no folder, or, where owners are given, of nobody of them. */
async function mustBeFolder(path: string, owners?: readonly (number | undefined)[]): Promise<void> {
  const facts = await lstat(fsPath(path))
  if (facts.isDirectory() && (owners === undefined || owners.includes(facts.uid))) return
  const is = facts.isDirectory() ? 'belongs to another user' : 'is a link or a file'
  throw new UsageError(
    `"${path}" ${is}, and nothing is moved there: files might end anywhere; remove it, so that refused files can be moved aside`,
  )
}

interface Entry {
  readonly path: string
  readonly unfollowed: UnfollowedLink['to'] | null
}

/** Files and links to files and folders, by their relative paths. */
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
    else if (entry.isFile()) yield { path, unfollowed: null }
    else if (entry.isSymbolicLink()) {
      const facts = await stat(fsPath(join(input, path))).catch(() => null)
      if (facts?.isFile() || facts?.isDirectory()) yield { path, unfollowed: await whyUnfollowed(join(input, path)) }
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
  const isThere = async (path: string) => (await lstat(fsPath(path)).catch(() => null)) !== null
  for (let n = 1; ; n++) {
    const path = join(dir, n === 1 ? file : `${stem}-${n}${ending}`)
    if (!(await isThere(path)) && !(await isThere(`${path}.txt`))) return path
  }
}
