/**
 * The blob store on a disk; `protocol/blobs.ts` says what it promises. Several processes may share one folder:
 *
 *   blobs/<video>/<sha256>         verified bytes, put there by rename
 *   refs/<video>.json              a source by reference: where it lies, and its size and identity when it was hashed
 *   fetching/<sha256>[.<pid>]      part of a blob on its way here; with a pid while that process works on it (fetch-area.ts)
 *   scratch/<pid>-<name>-…         folders of running attempts, on this file system so that results move in by rename
 *
 * Left out: which blobs may be removed (housekeeping decides), and checks at each read: a reader calls `verify` where it needs one.
 */
import { chmod, copyFile, link, lstat, mkdir, mkdtemp, readdir, rename, rm, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { identityAt } from '../files/file-hashes.ts'
import { flush } from '../files/flush.ts'
import { hashFile } from '../files/hash-file.ts'
import type { BlobRef, BlobStore, FoundBlob, ListedBlobs, Room, SourceReference } from '../protocol/blobs.ts'
import { AttemptFailed, isDiskFull } from '../protocol/errors.ts'
import { isSha256, isVideoId, type Sha256, type VideoId } from '../protocol/ids.ts'
import type { Log } from '../protocol/log.ts'
import { createFetchArea, type FetchArea, isAlive } from './fetch-area.ts'
import { createReferences, type References } from './references.ts'

/** Where the store lies. */
export interface BlobStoreOptions {
  readonly dir: string
  readonly log: Log
  /** Flush files to the disk before they get their name. Default true; tests on slow disks turn it off. */
  readonly isDurable?: boolean
}

/** A store with what the exchange needs: partial files, and blobs of one video used for another. */
export interface DiskBlobStore extends BlobStore {
  readonly fetchArea: FetchArea
  /** Finds as `find`, and hard-links a blob of another video into this one, so that pruning the other keeps it. Rejects as `BlobStore`. */
  findOrLink(sha256: Sha256, video: VideoId): Promise<string | null>
  /** Removes scratch folders of ended processes, and releases their partial files. `now`: wall clock, ms. */
  tidy(now?: number): Promise<void>
}

/** Opens a store, and creates its folders where they are missing. Rejects with the error of the file system. */
export async function createBlobStore(options: BlobStoreOptions): Promise<DiskBlobStore> {
  for (const folder of ['blobs', 'refs', 'fetching', 'scratch']) {
    await mkdir(join(options.dir, folder), { recursive: true, mode: 0o700 })
  }
  return new Store(options)
}

/** What the store has of each video. */
interface Listed {
  readonly folders: ReadonlySet<VideoId>
  readonly references: ReadonlySet<VideoId>
}

/** Scratch folders of this process, by path, in whatever store: in a container the previous process had the same pid. */
const scratches = new Set<string>()
/** Scratch folders that are being made: on the disk perhaps, and not among `scratches` yet. */
const making = new Set<Promise<string>>()

class Store implements DiskBlobStore {
  readonly fetchArea: FetchArea
  readonly #dir: string
  readonly #log: Log
  readonly #isDurable: boolean
  readonly #references: References

  constructor({ dir, log, isDurable }: BlobStoreOptions) {
    this.#dir = dir
    this.#log = log
    this.#isDurable = isDurable ?? true
    this.#references = createReferences(join(dir, 'refs'))
    this.fetchArea = createFetchArea(join(dir, 'fetching'))
  }

  scratch(name: string): Promise<string> {
    const made = this.#makeScratch(name)
    making.add(made)
    return made.finally(() => making.delete(made))
  }

  async put(video: VideoId, path: string): Promise<BlobRef> {
    const ref = await hashFile(path)
    await this.adopt(video, path, ref)
    return ref
  }

  async adopt(video: VideoId, path: string, ref: BlobRef): Promise<void> {
    await onDisk(async () => {
      const target = await this.#pathFor(ref.sha256, video)
      // A copy of it, such as one on its way to where people find it, has its mode.
      await chmod(path, 0o600)
      if (this.#isDurable) await flush(path)
      await move(path, target)
      if (this.#isDurable) await flush(join(target, '..'))
    })
  }

  async find(sha256: Sha256, video?: VideoId): Promise<string | null> {
    return (await this.lookUp(sha256, video))?.path ?? null
  }

  async lookUp(sha256: Sha256, video?: VideoId): Promise<FoundBlob | null> {
    if (!isSha256(sha256) || (video !== undefined && !isVideoId(video))) return null
    if (video !== undefined) {
      const own = (await this.#blob(sha256, video)) ?? (await this.#referred(sha256, video))
      if (own !== null) return own
    }
    return this.#lookUpElsewhere(sha256, await this.#list())
  }

  async isStill({ path, identity }: FoundBlob): Promise<boolean> {
    return (await identityAt(path)) === identity
  }

  async listed(): Promise<ListedBlobs> {
    const there = await this.#list()
    return {
      find: async (sha256, video) => {
        if (!isSha256(sha256)) return null
        const blob = there.folders.has(video) ? await this.#blob(sha256, video) : null
        const own = blob ?? (there.references.has(video) ? await this.#referred(sha256, video) : null)
        return (own ?? (await this.#lookUpElsewhere(sha256, there)))?.path ?? null
      },
      reference: async (video) => (there.references.has(video) ? this.reference(video) : null),
    }
  }

  async findOrLink(sha256: Sha256, video: VideoId): Promise<string | null> {
    const found = await this.find(sha256, video)
    if (found === null || !found.startsWith(join(this.#dir, 'blobs'))) return found
    const own = await this.#pathFor(sha256, video)
    if (found === own) return own
    try {
      await link(found, own)
      return own
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EEXIST' ? own : found
    }
  }

  async verify(sha256: Sha256, video: VideoId): Promise<boolean> {
    const found = await this.lookUp(sha256, video)
    if (found === null) return false
    const { path, identity } = found
    if (identity !== null) return (await this.#references.readAgain(path)) === sha256
    const read = await hashFile(path).catch(() => null)
    if (read?.sha256 === sha256) return true
    this.#log.warn('removed a corrupt blob (hash mismatch)', { sha256, video, path })
    await rm(path, { force: true })
    return false
  }

  refer(video: VideoId, source: SourceReference): Promise<void> {
    return onDisk(() => this.#references.write(video, source))
  }

  async reference(video: VideoId): Promise<SourceReference | null> {
    const source = await this.#references.read(video)
    const now = source && (await this.#references.check(video, source))
    return typeof now === 'string' ? null : now
  }

  async changedSource(sha256: Sha256, video: VideoId): Promise<string | null> {
    const source = await this.#references.read(video)
    if (source?.sha256 !== sha256 || (await this.#references.check(video, source)) !== 'changed') return null
    return basename(source.path)
  }

  async prune(video: VideoId, retain: ReadonlySet<Sha256>): Promise<void> {
    for (const sha256 of await this.list(video)) {
      if (!retain.has(sha256)) await rm(join(this.#folder(video), sha256), { force: true })
    }
    if (retain.size === 0) await rm(this.#folder(video), { recursive: true, force: true })
  }

  async remove(sha256: Sha256, video: VideoId): Promise<void> {
    await rm(await this.#pathFor(sha256, video), { force: true })
  }

  async drop(video: VideoId): Promise<void> {
    await this.#references.forget(video)
    await rm(this.#folder(video), { recursive: true, force: true })
  }

  async videos(): Promise<readonly VideoId[]> {
    const { folders, references } = await this.#list()
    return [...new Set([...folders, ...references])]
  }

  async list(video: VideoId): Promise<readonly Sha256[]> {
    const names: string[] = await readdir(this.#folder(video)).catch(() => [])
    return names.filter(isSha256)
  }

  async room(): Promise<Room> {
    const { bavail, blocks, bsize } = await statfs(this.#dir)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  }

  async tidy(now?: number): Promise<void> {
    await this.fetchArea.tidy(now)
    await this.#references.tidy()
    const folder = join(this.#dir, 'scratch')
    const known = [...scratches].filter((path) => dirname(path) === folder)
    const there = new Set((await readdir(folder)).map((name) => join(folder, name)))
    // INVARIANT: what this process made, and `readdir` saw, is known once the makings of that moment have ended.
    await Promise.allSettled(making)
    for (const path of known) if (!there.has(path)) scratches.delete(path)
    for (const path of there) {
      const pid = Number(basename(path).split('-')[0])
      const isLeft = pid === process.pid ? !scratches.has(path) : !isAlive(pid)
      if (isLeft) await rm(path, { recursive: true, force: true })
    }
  }

  async #makeScratch(name: string): Promise<string> {
    const safe = name.replace(/[^\w.-]/g, '_').slice(0, 64)
    const path = await mkdtemp(join(this.#dir, 'scratch', `${process.pid}-${safe}-`))
    scratches.add(path)
    return path
  }

  /** The videos with blobs, and those with a reference. */
  async #list(): Promise<Listed> {
    const folders = (await readdir(join(this.#dir, 'blobs'))).filter(isVideoId)
    return { folders: new Set(folders), references: new Set(await this.#references.list()) }
  }

  async #lookUpElsewhere(sha256: Sha256, { folders, references }: Listed): Promise<FoundBlob | null> {
    for (const other of folders) {
      const found = await this.#blob(sha256, other)
      if (found !== null) return found
    }
    for (const other of references) {
      const is = (await this.#references.sha256Of(other)) === sha256
      const found = is ? await this.#referred(sha256, other) : null
      if (found !== null) return found
    }
    return null
  }

  #folder(video: VideoId): string {
    if (!isVideoId(video)) throw new TypeError(`not a video id: ${String(video).slice(0, 80)}`)
    return join(this.#dir, 'blobs', video)
  }

  async #pathFor(sha256: Sha256, video: VideoId): Promise<string> {
    if (!isSha256(sha256)) throw new TypeError(`not a sha256: ${String(sha256).slice(0, 80)}`)
    await mkdir(this.#folder(video), { recursive: true })
    return join(this.#folder(video), sha256)
  }

  async #blob(sha256: Sha256, video: VideoId): Promise<FoundBlob | null> {
    const path = join(this.#folder(video), sha256)
    const stat = await lstat(path).catch(() => null)
    return stat?.isFile() ? { path, identity: null } : null
  }

  /** The hash is compared first: to check a reference may take the reading of its file. */
  async #referred(sha256: Sha256, video: VideoId): Promise<FoundBlob | null> {
    const source = await this.#references.read(video)
    if (source?.sha256 !== sha256) return null
    const now = await this.#references.check(video, source)
    return typeof now === 'string' ? null : now
  }
}

/** Moves a file by rename; from another file system by a copy beside the target, then by rename. */
async function move(path: string, target: string): Promise<void> {
  try {
    await rename(path, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    const beside = `${target}.${process.pid}`
    await copyFile(path, beside)
    await flush(beside)
    await rename(beside, target)
    await rm(path, { force: true })
  }
}

/** Turns the file system's error of a full disk into `AttemptFailed('disk_full')`. */
export async function onDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof AttemptFailed || !isDiskFull(error)) throw error
    throw new AttemptFailed('disk_full', 'the disk under the blob store is full', { cause: error })
  }
}
