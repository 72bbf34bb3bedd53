/**
 * The files that lie in a watched folder: which of them may be videos, whether one has changed, and where a refused one goes, with a text
 * beside it. Hidden and partial files, and rejected ones, are left out.
 */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'

const REJECTED = 'rejected'
const PARTIAL = /^\.|\.(part|partial|tmp|crdownload|download)$|~$/i

/**
 * Every file below the folder that may be a video, by its relative path, with its print (`printOf`). Sorted by path. Rejects where the folder
 * itself cannot be read.
 */
export async function filesIn(input: string): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const file of filesBelow(input)) {
    const print = await printOf(join(input, file))
    if (print !== null) found.set(file, print)
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)))
}

/** Moves a file of the folder to the same path below `rejected/`, with a text beside it that says why. Rejects where it has no room or right. */
export async function moveAside(input: string, file: string, why: string): Promise<void> {
  const to = await freeName(join(input, REJECTED), file)
  await mkdir(dirname(to), { recursive: true })
  // The text first: without room for it the file stays, and is asked after again.
  await writeFile(`${to}.txt`, `${why}\n`)
  await rename(join(input, file), to).catch(async (error) => {
    await rm(`${to}.txt`, { force: true })
    throw error
  })
}

/** Relative paths. Links to files are files; none to a folder is followed, as it may lead back. */
async function* filesBelow(input: string, folder = ''): AsyncGenerator<string> {
  const entries = await readdir(join(input, folder), { withFileTypes: true }).catch((error: unknown) => {
    if (folder === '') throw error
    // Gone meanwhile, or not for this user to read: the others are no worse for it.
    return []
  })
  for (const entry of entries) {
    const file = join(folder, entry.name)
    if (file === REJECTED || PARTIAL.test(entry.name)) continue
    if (entry.isDirectory()) yield* filesBelow(input, file)
    else if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(join(input, file))))) yield file
  }
}

/** Whether the path is a file, or a link to one. */
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  )

/** `size:mtime` of a file, in bytes and ms; null where it is gone. */
export async function printOf(path: string): Promise<string | null> {
  const facts = await stat(path).catch(() => null)
  return facts && `${facts.size}:${Math.trunc(facts.mtimeMs)}`
}

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
