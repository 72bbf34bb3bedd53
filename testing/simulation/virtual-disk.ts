/**
 * Files that are only a map, below `/simulated/`. The product's few direct calls of `node:fs/promises` (scratch folders
 * removed, deliveries copied and linked) are led here by patching the built-in module for such paths alone: real file
 * I/O would not be waited for by the virtual clock, and a contract for `rm` would serve nobody but this simulation.
 *
 * A folder of one machine may be mounted at paths of others, and unmounted: what lies there is then as on a bare mount point.
 *
 * A file belongs to the machine `/simulated/<machine>/…`. Copies, links and renames take a virtual millisecond of that machine,
 * so that a crash may come between them.
 */
import { constants } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

export const ROOT = '/simulated/'
export const machineOf = (path: string): string => path.slice(ROOT.length).split('/')[0] ?? ''

export class VirtualDisk {
  readonly #files = new Map<string, Buffer>()
  readonly #folders = new Set<string>()
  readonly #full = new Set<string>()
  readonly #touched = new Map<string, number>()
  /** Folders by the paths where they are mounted. */
  readonly #mounts = new Map<string, string>()
  /** How a machine waits a moment; replaced at each of its lives. */
  readonly pauses = new Map<string, () => Promise<void>>()

  /** What is seen at `path` from now on; null: the bare mount point. */
  mount(path: string, folder: string | null): void {
    this.#folders.add(path)
    if (folder === null) this.#mounts.delete(path)
    else this.#mounts.set(path, folder)
  }

  /** Where a path leads. */
  real(path: string): string {
    let inner = ''
    for (const at of this.#mounts.keys())
      if (at.length > inner.length && (path === at || path.startsWith(`${at}/`))) inner = at
    return (this.#mounts.get(inner) ?? '') + path.slice(inner.length)
  }

  read(path: string): Buffer {
    const found = this.#files.get(this.real(path))
    if (!found) throw missing(path)
    return found
  }

  has(path: string): boolean {
    return this.#files.has(this.real(path))
  }

  write(path: string, content: string | Buffer): void {
    const real = this.real(path)
    if (this.isFull(machineOf(real)))
      throw Object.assign(new Error(`ENOSPC: no space left, write '${path}'`), { code: 'ENOSPC' })
    this.#files.set(real, Buffer.from(content))
  }

  move(from: string, to: string): void {
    const content = this.read(from)
    this.#files.delete(this.real(from))
    this.#files.set(this.real(to), content)
  }

  /** As a hard link, though writing to one name leaves the other alone. */
  share(from: string, to: string): void {
    this.#files.set(this.real(to), this.read(from))
  }

  /** The file, or everything below the folder. */
  remove(path: string): void {
    this.#files.delete(this.real(path))
    for (const each of this.below(path)) this.#files.delete(this.real(each))
  }

  below(folder: string): string[] {
    const real = this.real(folder)
    return [...this.#files.keys()]
      .filter((path) => path.startsWith(`${real}/`))
      .map((path) => folder + path.slice(real.length))
  }

  /** Other bytes of the same length, on a full disk too. */
  corrupt(path: string): void {
    const content = Buffer.from(this.read(path))
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
    this.#files.set(this.real(path), content)
  }

  /** Somebody is about to read it, at this time. */
  touch(path: string, at: number): void {
    this.#touched.set(path, at)
  }

  touchedAt(path: string): number {
    return this.#touched.get(path) ?? Number.NEGATIVE_INFINITY
  }

  setFull(machine: string, isFull: boolean): void {
    if (isFull) this.#full.add(machine)
    else this.#full.delete(machine)
  }

  isFull(machine: string): boolean {
    return this.#full.has(machine)
  }

  makeFolder(path: string): void {
    this.#folders.add(this.real(path))
  }

  /** Machines' roots are always there. */
  isFolder(path: string): boolean {
    return path.split('/').length <= 3 || this.#folders.has(this.real(path)) || this.below(path).length > 0
  }

  async pause(path: string): Promise<void> {
    await this.pauses.get(machineOf(path))?.()
  }
}

const missing = (path: string): Error =>
  Object.assign(new Error(`ENOENT: no such file or folder, '${path}'`), { code: 'ENOENT' })

let mounted: VirtualDisk | null = null
let isPatched = false

/** Until the answer is called, `/simulated/` is this disk. One at a time. */
export function mount(disk: VirtualDisk): () => void {
  if (mounted) throw new Error('one simulation at a time')
  if (!isPatched) patch()
  isPatched = true
  mounted = disk
  return () => {
    mounted = null
  }
}

const isOurs = (path: unknown): path is string => typeof path === 'string' && `${path}/`.startsWith(ROOT)

function theDisk(): VirtualDisk {
  if (!mounted) throw new Error('a file below /simulated/ outlived its simulation')
  return mounted
}

/** What the product does with files of ours. Everything else of `node:fs/promises` refuses them. */
const LED: Readonly<Record<string, (...given: string[]) => Promise<unknown>>> = {
  rm: async (path) => theDisk().remove(path!),
  mkdir: async (path) => theDisk().makeFolder(path!),
  access: async (path) => void stats(path!),
  stat: async (path, options) => stats(path!, options as { bigint?: boolean } | undefined),
  lstat: async (path, options) => stats(path!, options as { bigint?: boolean } | undefined),
  async realpath(path) {
    stats(path!)
    return Buffer.from(path!)
  },
  readFile: async (path, encoding) =>
    theDisk()
      .read(path!)
      .toString(encoding as BufferEncoding),
  async readdir(path) {
    const names = theDisk()
      .below(path!)
      .map((each) => each.slice(path!.length + 1).split('/')[0]!)
    return [...new Set(names)]
  },
  async copyFile(from, to, flags) {
    await theDisk().pause(to!)
    if (Number(flags) & constants.COPYFILE_EXCL && theDisk().has(to!))
      throw Object.assign(new Error(`EEXIST: file exists, copyfile '${to}'`), { code: 'EEXIST' })
    theDisk().write(to!, theDisk().read(from!))
  },
  async rename(from, to) {
    await theDisk().pause(to!)
    theDisk().move(from!, to!)
  },
  async link(from, to) {
    await theDisk().pause(to!)
    if (theDisk().has(to!)) throw Object.assign(new Error(`EEXIST: file exists, link '${to}'`), { code: 'EEXIST' })
    theDisk().share(from!, to!)
    await theDisk().pause(to!)
  },
  async open(path) {
    if (theDisk().isFolder(path!)) return { sync: async () => undefined, close: async () => undefined }
    const content = theDisk().read(path!)
    const read = async (into: Buffer, _offset: number, length: number, position: number) => ({
      bytesRead: content.copy(into, 0, position, Math.min(content.byteLength, position + length)),
    })
    return {
      read,
      stat: async (options?: { bigint?: boolean }) => stats(path!, options),
      sync: async () => undefined,
      chmod: async () => undefined,
      close: async () => undefined,
    }
  },
}

function stats(path: string, options: { readonly bigint?: boolean } = {}) {
  const isFile = theDisk().has(path)
  if (!isFile && !theDisk().isFolder(path)) throw missing(path)
  const size = isFile ? theDisk().read(path).byteLength : 0
  const is = { isFile: () => isFile, isDirectory: () => !isFile, isSymbolicLink: () => false }
  // Files of one size are distinguished by the machine where they lie.
  const dev = [...machineOf(theDisk().real(path))].reduce((sum, each) => sum * 128n + BigInt(each.charCodeAt(0)), 1n)
  return options.bigint
    ? { ...is, dev, ino: 1n, mtimeNs: 1n, ctimeNs: 1n, size: BigInt(size) }
    : { ...is, ino: 1, nlink: 1, mtimeMs: 1, size }
}

function patch(): void {
  for (const [name, real] of Object.entries(fs)) {
    if (typeof real !== 'function') continue
    const ours = LED[name] ?? (async () => Promise.reject(new Error(`fs.${name} is not simulated`)))
    const led = (...given: unknown[]) =>
      isOurs(given[0]) ? ours(...(given as string[])) : (real as (...given: unknown[]) => unknown)(...given)
    Object.assign(fs, { [name]: led })
  }
  syncBuiltinESMExports()
}
