/**
 * Sources by reference: one small file per video with the path of the source, and its size, identity and hash when it was read. A file whose
 * identity is another is read again, once for each identity: where its bytes are the same, the reference gets the new identity.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { durableWrite } from '../files/durable-write.ts'
import { identityAt } from '../files/file-hashes.ts'
import { hashFile } from '../files/hash-file.ts'
import type { SourceReference } from '../protocol/blobs.ts'
import { asSha256, isSha256, isVideoId, type Sha256, type VideoId } from '../protocol/ids.ts'
import { isAlive } from './fetch-area.ts'

const schema = z.object({
  v: z.literal(2),
  sha256: z.string().refine(isSha256),
  bytes: z.number().int().min(0),
  path: z.string().min(1),
  identity: z.string(),
})

/** The references of one store. Methods reject with errors of the file system. */
export interface References {
  read(video: VideoId): Promise<SourceReference | null>
  /** The sha256 of the source, which is always the same for one video; from memory after the first time. */
  sha256Of(video: VideoId): Promise<Sha256 | null>
  write(video: VideoId, source: SourceReference): Promise<void>
  /** The reference with the identity of now, where its bytes still lie at its path. `gone`: no file that can be read lies there. */
  check(video: VideoId, source: SourceReference): Promise<SourceReference | 'changed' | 'gone'>
  /** The sha256 of the file at the path, read now whatever its identity; null where it cannot be read. Later checks go by it. */
  readAgain(path: string): Promise<Sha256 | null>
  forget(video: VideoId): Promise<void>
  list(): Promise<VideoId[]>
  /** Removes temporary files of processes that were killed. */
  tidy(): Promise<void>
}

/** Temporary files that this process writes now, by path, in whatever store: in a container the previous process had the same pid. */
const writing = new Set<string>()
let writes = 0

/** The references in the folder `dir`, which exists. */
export function createReferences(dir: string): References {
  const pathOf = (video: VideoId) => {
    if (!isVideoId(video)) throw new TypeError(`not a video id: ${String(video).slice(0, 80)}`)
    return join(dir, `${video}.json`)
  }
  const readings = createReadings()
  const hashes = new Map<VideoId, Sha256>()
  const references: References = {
    read: async (video) => {
      const text = await readFile(pathOf(video), 'utf8').catch(() => null)
      if (text === null) return null
      const parsed = schema.safeParse(parseJson(text))
      if (!parsed.success) return null
      const { sha256, bytes, path, identity } = parsed.data
      return { sha256: asSha256(sha256), bytes, path, identity }
    },
    sha256Of: async (video) => {
      const sha256 = hashes.get(video) ?? (await references.read(video))?.sha256 ?? null
      if (sha256 !== null) hashes.set(video, sha256)
      return sha256
    },
    write: async (video, source) => {
      const { sha256, bytes, path, identity } = source
      const temporary = `${pathOf(video)}.${process.pid}.${writes++}`
      writing.add(temporary)
      try {
        await durableWrite(pathOf(video), JSON.stringify({ v: 2, sha256, bytes, path, identity }), { temporary })
      } finally {
        writing.delete(temporary)
      }
    },
    check: async (video, source) => {
      const { path } = source
      const identity = await identityAt(path)
      if (identity === null) return 'gone'
      const known = readings.known(path, identity)
      if (known === null && identity === source.identity) return source
      const sha256 = await (known ?? readings.read(path, identity))
      if (sha256 !== source.sha256) return sha256 === null ? 'gone' : 'changed'
      const now = { ...source, identity }
      if (identity !== source.identity) await references.write(video, now)
      return now
    },
    readAgain: async (path) => {
      const identity = await identityAt(path)
      return identity === null ? null : await readings.read(path, identity)
    },
    forget: async (video) => {
      hashes.delete(video)
      await rm(pathOf(video), { force: true })
    },
    list: async () => {
      const names = await readdir(dir).catch(() => [])
      return names
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -5))
        .filter(isVideoId)
    },
    tidy: async () => {
      for (const name of await readdir(dir).catch(() => [])) {
        const pid = Number(/\.json\.(\d+)\.\d+$/.exec(name)?.[1])
        if (Number.isNaN(pid) || writing.has(join(dir, name))) continue
        if (pid === process.pid || !isAlive(pid)) await rm(join(dir, name), { force: true })
      }
    },
  }
  return references
}

/** Files that were read again, by path: the identity that each had when its reading began, and what was read; null where it could not be. */
function createReadings() {
  const readings = new Map<string, { readonly identity: string; readonly sha256: Promise<Sha256 | null> }>()
  return {
    known(path: string, identity: string): Promise<Sha256 | null> | null {
      const last = readings.get(path)
      return last?.identity === identity ? last.sha256 : null
    },
    read(path: string, identity: string): Promise<Sha256 | null> {
      const sha256 = hashFile(path).then(
        (found) => found.sha256,
        () => {
          readings.delete(path)
          return null
        },
      )
      readings.set(path, { identity, sha256 })
      return sha256
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
