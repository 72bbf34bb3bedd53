/**
 * What lies at a path of a watched folder at the moment at which it is taken in. Other users may write to the folder, and replace a file, or a
 * folder on the way to it, by a link at any time. So the file is opened once: its owner, where it really lies, and its identity are those of this
 * opening, and a submit that finds another identity at the path takes nothing in.
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileIdentity } from '../../files/file-hashes.ts'
import { SourceRefused } from '../../protocol/errors.ts'
import { fsPath } from '../../protocol/path-text.ts'
import { mayFollow } from './input-folder-files.ts'

/** What one opening of a file showed. */
export interface OpenedFile {
  /** As of `SourceFacts`. */
  readonly identity: string
  /** Whether it lies in the folder, or a link leads to it whose maker could have put it there. */
  readonly mayFollow: boolean
}

/** Opens the file at this path below the folder, and closes it. Rejects with `SourceRefused` where it cannot be opened. */
export async function lookAtFile(input: string, path: string): Promise<OpenedFile> {
  const at = join(input, path)
  const before = await lstat(fsPath(at))
  const file = await open(fsPath(at), constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: Error) => {
    throw new SourceRefused(`"${at}" cannot be opened by the user of this node: make it readable for that user`, {
      cause,
    })
  })
  try {
    const facts = await file.stat({ bigint: true })
    const folder = await realpath(fsPath(input), BYTES)
    const isWithin = (await placeOf(file, at)).startsWith(`${folder}${sep}`)
    const after = await lstat(fsPath(at))
    const isSameLink = before.isSymbolicLink() && after.ino === before.ino && after.ctimeMs === before.ctimeMs
    const isLinked = isSameLink && mayFollow(before.uid, Number(facts.uid), process.getuid?.())
    return { identity: fileIdentity(facts), mayFollow: facts.isFile() && (isWithin || isLinked) }
  } finally {
    await file.close()
  }
}

/** A character for each byte of a path. */
const BYTES = { encoding: 'latin1' } as const

/** Where an open file lies, as the system knows it; where it does not say, what the path leads to now. */
const placeOf = (file: FileHandle, path: string): Promise<string> =>
  readlink(`/proc/self/fd/${file.fd}`, BYTES).catch(() => realpath(fsPath(path), BYTES))
