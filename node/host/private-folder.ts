/** Folders and files that are this user's alone: the data folder, keys, and a configuration that names programs. */
import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Permission bits of the group and of all others. */
const OTHERS = 0o077
const STICKY = 0o1000

/** The id of this user; null where the system has none. */
const me = (): number | null => process.getuid?.() ?? null

/** Whether other users may read or change it, by its mode. */
export const isOpenToOthers = ({ mode }: Pick<Stats, 'mode'>): boolean => me() !== null && (mode & OTHERS) !== 0

/** Creates the data folder for this user alone. One that is there and is open to others is closed to them, where it is this user's. */
export async function makePrivate(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const facts = await stat(dir)
  if (isOpenToOthers(facts) && facts.uid === me()) await chmod(dir, facts.mode & 0o7700)
}

/** Creates a folder of this name in one that others may write to. Answers whether it is a real folder of this user, closed to others. */
export async function isOwnFolder(dir: string): Promise<boolean> {
  await mkdir(dir, { mode: 0o700 }).catch(() => {})
  const facts = await lstat(dir).catch(() => null)
  return facts?.isDirectory() === true && isMine(facts) && !isOpenToOthers(facts)
}

/** Whether it is this user's. */
export const isMine = ({ uid }: Pick<Stats, 'uid'>): boolean => me() === null || uid === me()

/**
 * Why a file is not to be obeyed: it, or its folder, belongs to another user than this one and root, or others may write to it. Null where it may
 * be. In a folder with the sticky bit others cannot replace the file.
 */
export async function whyUntrusted(path: string): Promise<string | null> {
  const uid = me()
  return uid === null
    ? null
    : decideTrust(await stat(path), await stat(dirname(path)), { uid, gid: process.getgid?.() ?? 0 })
}

type Facts = Pick<Stats, 'mode' | 'uid' | 'gid'>

/** Decides for `whyUntrusted` by the facts of a file and its folder. `user`: ids of this user and its group. Pure. */
export function decideTrust(file: Facts, folder: Facts, user: Pick<Stats, 'uid' | 'gid'>): string | null {
  for (const [what, facts] of [
    ['it', file],
    ['its folder', folder],
  ] as const) {
    if (facts.uid !== user.uid && facts.uid !== 0) return `${what} belongs to another user`
    const isShared = what === 'its folder' && (facts.mode & STICKY) !== 0
    if (!isShared && (facts.mode & 0o002) !== 0) return `${what} may be changed by every user`
    if (!isShared && (facts.mode & 0o020) !== 0 && facts.gid !== user.gid && facts.gid !== 0)
      return `${what} may be changed by a group of other users`
  }
  return null
}
