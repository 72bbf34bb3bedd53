/**
 * The shared folders of this peer, looked at again and again: one may vanish with its file server, and come back.
 *
 * Promises: what is not seen now is named to nobody; no path leads out of a folder, not by `..` and not by a link; nothing but the marker is
 * written here.
 */
import { constants } from 'node:fs'
import { access, lstat, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileIdentity } from '../../files/file-hashes.ts'
import { isInside, realPath } from '../../files/real-path.ts'
import { type Clock, type Rng, within } from '../../protocol/clock.ts'
import { sentence } from '../../protocol/errors.ts'
import { fsPath, pathText } from '../../protocol/path-text.ts'
import {
  isSharedPath,
  MARKER_FILE,
  type SeenFolder,
  type SharedFile,
  type SharedFolderState,
  type SharedFolders,
} from '../../protocol/shared-folder.ts'
import type { KnownIds } from './known-ids.ts'
import { makeMarker, readMarker } from './marker.ts'

/** A shared folder as it is configured. */
export interface SharedFolderSetting {
  readonly name: string
  /** Absolute. */
  readonly path: string
}

/** The settings, and the parts that looking uses. */
export interface SharedFoldersOptions {
  readonly settings: readonly SharedFolderSetting[]
  readonly clock: Clock
  readonly rng: Rng
  readonly known: KnownIds
}

/** A file server that does not answer for so long is away. */
const ANSWER_MS = 5_000

/** The settings of `NAME=/path` texts. */
export const sharedSettings = (texts: readonly string[]): SharedFolderSetting[] =>
  texts.map((text) => ({ name: text.slice(0, text.indexOf('=')), path: text.slice(text.indexOf('=') + 1) }))

/** The shared folders, not looked at yet. */
export function createSharedFolders(options: SharedFoldersOptions): SharedFolders {
  const { settings, clock } = options
  const states = new Map<string, SharedFolderState>()
  /** Looks that hang in the file system: no second one is begun. */
  const looking = new Map<string, Promise<SharedFolderState>>()

  async function lookAt(setting: SharedFolderSetting): Promise<void> {
    const running = looking.get(setting.name) ?? stateOf(setting, options)
    looking.set(setting.name, running)
    const done = running.finally(() => looking.delete(setting.name))
    const answer = await within(clock, ANSWER_MS, done)
    const away = { ...setting, root: setting.path, id: null, isWritable: false, problem: 'it does not answer' }
    states.set(setting.name, answer === 'late' ? away : answer)
  }

  const roots = () => [...states.values()].filter((state) => state.id !== null)
  const find = (folder: string) => roots().find(({ id }) => id === folder)

  return {
    async look() {
      await Promise.all(settings.map(lookAt))
    },
    states: () => settings.flatMap(({ name }) => states.get(name) ?? []),
    seen: () => roots().flatMap(({ name, id }): SeenFolder[] => (id === null ? [] : [{ name, id }])),
    async placeOf(path) {
      const real = await realPath(path)
      const [inner] = roots()
        .filter(({ root }) => isInside(real, root))
        .sort((a, b) => b.root.length - a.root.length)
      if (!inner?.id) return null
      return { folder: inner.id, path: relative(inner.root, real).split(sep).join('/') }
    },
    pathOf({ folder, path }) {
      const root = find(folder)?.root
      return root === undefined || !isSharedPath(path) ? null : join(root, path)
    },
    async file({ folder, path }) {
      const root = find(folder)?.root
      if (root === undefined || !isSharedPath(path) || path === '') return null
      return await fileBelow(root, path)
    },
  }
}

/** No shared folders: what a peer without the setting has. */
export const NO_SHARED_FOLDERS: SharedFolders = {
  look: async () => {},
  states: () => [],
  seen: () => [],
  placeOf: async () => null,
  pathOf: () => null,
  file: async () => null,
}

/** Never rejects. */
async function stateOf(setting: SharedFolderSetting, options: SharedFoldersOptions): Promise<SharedFolderState> {
  const { path } = setting
  try {
    const root = pathText(await realpath(fsPath(path), { encoding: 'buffer' }))
    if (!(await stat(fsPath(root))).isDirectory()) throw new Error('it is not a folder')
    const isWritable = await access(fsPath(root), constants.W_OK).then(() => true, () => false) // biome-ignore format: one answer
    const id = await idOf(root, isWritable, options)
    return { ...setting, root, id, isWritable, problem: null }
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return {
      ...setting,
      root: path,
      id: null,
      isWritable: false,
      problem: isGone ? 'it is not there' : sentence(error),
    }
  }
}

async function idOf(root: string, isWritable: boolean, { known, rng }: SharedFoldersOptions): Promise<string> {
  const there = await readMarker(root)
  if (there === null && (await known.get(root)) !== null)
    throw new Error(
      `it has lost its ${MARKER_FILE}: mount it again or put that file back; to begin a new shared folder there, remove shared-folders.json from the data folder`,
    )
  if (there === null && !isWritable)
    throw new Error(`it has no ${MARKER_FILE} yet, and this peer may not write there; start a peer first that may`)
  const id = there ?? (await makeMarker(root, rng.token()))
  await known.set(root, id)
  return id
}

/** The regular file below a folder, where no part of its path is a link. */
async function fileBelow(root: string, path: string): Promise<SharedFile | null> {
  const parts = path.split('/')
  for (let length = 1; length < parts.length; length++) {
    const facts = await lstat(fsPath(join(root, ...parts.slice(0, length)))).catch(() => null)
    if (!facts?.isDirectory()) return null
  }
  const whole = join(root, ...parts)
  const facts = await lstat(fsPath(whole), { bigint: true }).catch(() => null)
  if (!facts?.isFile()) return null
  const mtime_ms = Number(facts.mtimeNs / 1_000_000n)
  return { path: whole, bytes: Number(facts.size), mtime_ms, identity: fileIdentity(facts) }
}
