/**
 * The uploads of this node, in a folder of its own: `<id>` holds the bytes that have come, `<id>.json` what was said of them. Once all are there and
 * verified the file has a second name, `films/<id>/<name>`, by which it is submitted. All of it survives the process.
 *
 * Bounded: number and bytes of all uploads, and the room of the disk, are checked before one is taken; one without a new byte for
 * `UPLOAD_IDLE_MS` is removed, and so is one whose videos need their source no longer.
 */
import { createHash } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { durableWrite } from '../../files/durable-write.ts'
import { flush } from '../../files/flush.ts'
import { hashFile } from '../../files/hash-file.ts'
import { hasRoomFor, type Room } from '../../protocol/blobs.ts'
import type { Rng } from '../../protocol/clock.ts'
import { ReelmeshError } from '../../protocol/errors.ts'

/** What is known of an upload. */
export interface UploadFacts {
  readonly id: string
  /** The size of the whole file, bytes. */
  readonly bytes: number
  /** Number of bytes that have come. */
  readonly offset: number
  /** The file name that its client gave; `upload` where it gave none. */
  readonly name: string
  /** Ms since 1970, of the last byte. */
  readonly changedAt: number
}

/** What the client says of an upload when it begins. */
export interface UploadWords {
  readonly bytes: number
  readonly metadata: Readonly<Record<string, string | null>>
}

/** The uploads of this node. Methods that name an upload reject with `ReelmeshError('unknown_upload')` where there is none. */
export interface UploadFiles {
  /** Where the bytes lie. */
  readonly dir: string
  /** Reads what an earlier process has left. */
  start(): Promise<void>
  ids(): readonly string[]
  newId(): string
  /** Counts a new upload in. Rejects with `too_large`, `too_many_uploads` and `no_room`. */
  admit(id: string, bytes: number): Promise<void>
  /** Rejects with `no_room` where the disk has none for so many bytes. */
  checkRoom(bytes: number): Promise<void>
  read(id: string): Promise<UploadWords | null>
  write(id: string, words: UploadWords): Promise<void>
  facts(id: string): Promise<UploadFacts>
  /** The path under which the file is submitted, verified. Rejects with `upload_open` where bytes are missing, and with `wrong_sha256`, which removes it. */
  finish(id: string, signal: AbortSignal): Promise<string>
  /** The folder in which its file lies under the name of the client. */
  folderOf(id: string): string
  remove(id: string): Promise<void>
}

/** Options of the uploads of a node. */
export interface UploadFilesOptions {
  readonly dir: string
  /** Bytes of all uploads together; 0: none is taken. */
  readonly bytesMax: number
  room(): Promise<Room>
  readonly rng: Pick<Rng, 'token'>
}

/** Time without a new byte, and without a submit, after which an upload is removed: who closes a laptop at night goes on in the morning. */
export const UPLOAD_IDLE_MS = 24 * 3_600_000
/** Uploads at once, whole ones too that are not encoded yet. */
const UPLOADS_MAX = 64
const ID = /^[0-9a-f]{32}$/
/** Characters of a file name: file systems allow 255 bytes, and one of UTF-8 has up to four. */
const NAME_MAX = 60
const GB = 1e9

const unknown = (id: string): ReelmeshError =>
  new ReelmeshError(
    'unknown_upload',
    `there is no upload ${id.slice(0, 40)}: it was removed, or is one of another node`,
  )

/** The uploads in a folder; `start` has to be called before others. */
export function createUploadFiles({ dir, bytesMax, room, rng }: UploadFilesOptions): UploadFiles {
  const known = new Map<string, number>()
  const { remove, ...folder } = uploadFolder(dir)
  const total = () => [...known.values()].reduce((sum, bytes) => sum + bytes, 0)
  const forget = async (id: string) => {
    await remove(id)
    known.delete(id)
  }

  async function checkRoom(bytes: number): Promise<void> {
    if (!hasRoomFor(bytes, await room()))
      throw new ReelmeshError(
        'no_room',
        `the disk of this node has no room for ${gb(bytes)} more: free some, or upload to another node`,
      )
  }

  function checkBounds(bytes: number): void {
    if (bytesMax === 0) throw new ReelmeshError('uploads_off', 'this node takes no uploads: http_upload_gb is 0')
    if (bytes > bytesMax)
      throw new ReelmeshError(
        'too_large',
        `an upload has at most ${gb(bytesMax)} here (http_upload_gb); this has ${gb(bytes)}`,
      )
    if (known.size >= UPLOADS_MAX || total() + bytes > bytesMax)
      throw new ReelmeshError(
        'no_room',
        `${known.size} uploads with ${gb(total())} are here already, and ${UPLOADS_MAX} with ${gb(bytesMax)} are the most: wait until some are encoded`,
      )
  }

  return {
    dir,
    ...folder,
    async start() {
      await mkdir(join(dir, 'films'), { recursive: true, mode: 0o700 })
      for (const name of await readdir(dir)) {
        const id = name.replace(/\.json$/, '')
        if (ID.test(id)) known.set(id, (await folder.read(id))?.bytes ?? 0)
      }
    },
    ids: () => [...known.keys()],
    newId: () => createHash('sha256').update(rng.token()).digest('hex').slice(0, 32),
    async admit(id, bytes) {
      checkBounds(bytes)
      known.set(id, bytes)
      try {
        const open = await Promise.all([...known.keys()].map((each) => folder.facts(each).catch(() => null)))
        await checkRoom(bytes + open.reduce((sum, each) => sum + (each ? each.bytes - each.offset : 0), 0))
      } catch (error) {
        known.delete(id)
        throw error
      }
    },
    checkRoom,
    async finish(id, signal) {
      try {
        return await folder.finish(id, signal)
      } catch (error) {
        if (error instanceof ReelmeshError && error.code === 'wrong_sha256') await forget(id)
        throw error
      }
    },
    remove: forget,
  }
}

/** What is done to the files of one upload, without its bounds. */
function uploadFolder(dir: string): Pick<UploadFiles, 'read' | 'write' | 'facts' | 'finish' | 'folderOf' | 'remove'> {
  const pathOf = (id: string) => {
    if (!ID.test(id)) throw unknown(id)
    return join(dir, id)
  }
  const folderOf = (id: string) => join(dir, 'films', basename(pathOf(id)))

  async function read(id: string): Promise<UploadWords | null> {
    const text = await readFile(`${pathOf(id)}.json`, 'utf8').catch(() => null)
    return text === null ? null : (JSON.parse(text) as UploadWords)
  }

  async function facts(id: string): Promise<UploadFacts> {
    const [words, file] = [await read(id), await stat(pathOf(id)).catch(() => null)]
    if (words === null || file === null) throw unknown(id)
    return { id, bytes: words.bytes, offset: file.size, name: nameIn(words), changedAt: file.mtimeMs }
  }

  async function checkHash(id: string, name: string, signal: AbortSignal): Promise<void> {
    const wanted = (await read(id))?.metadata['sha256']?.toLowerCase()
    if (wanted !== undefined && (await hashFile(pathOf(id), signal)).sha256 !== wanted)
      throw new ReelmeshError(
        'wrong_sha256',
        `what arrived of ${name} has another sha256 than it should: upload it again`,
      )
  }

  return {
    read,
    write: (id, words) =>
      durableWrite(`${pathOf(id)}.json`, JSON.stringify(words), { temporary: `${pathOf(id)}.json.new`, mode: 0o600 }),
    facts,
    folderOf,
    async finish(id, signal) {
      const { bytes, offset, name } = await facts(id)
      if (offset !== bytes)
        throw new ReelmeshError('upload_open', `${offset} of ${bytes} bytes of ${name} are here: send the others first`)
      const path = join(folderOf(id), name)
      if ((await stat(path).catch(() => null)) !== null) return path
      await checkHash(id, name, signal)
      await flush(pathOf(id))
      await mkdir(folderOf(id), { recursive: true, mode: 0o700 })
      await link(pathOf(id), path)
      return path
    },
    async remove(id) {
      for (const path of [folderOf(id), pathOf(id), `${pathOf(id)}.json`])
        await rm(path, { recursive: true, force: true })
    },
  }
}

const gb = (bytes: number): string => `${(bytes / GB).toFixed(bytes < GB / 10 ? 3 : 1)} GB`

/** A name that a file may have, out of what the client says. */
function nameIn({ metadata }: UploadWords): string {
  const given = basename((metadata['filename'] ?? metadata['name'] ?? '').toWellFormed().replaceAll('\\', '/'))
  const name = given
    .replace(/\p{Cc}/gu, '')
    .replace(/^\.+/, '')
    .slice(-NAME_MAX)
  return name === '' ? 'upload' : name
}
