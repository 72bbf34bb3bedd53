/** Sources by reference: one small file per video with the path of the source, and its size, mtime and hash when it was read. */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { durableWrite } from '../files/durable-write.ts'
import type { SourceReference } from '../protocol/blobs.ts'
import { asSha256, isSha256, isVideoId, type VideoId } from '../protocol/ids.ts'
import { fsPath } from '../protocol/path-text.ts'
import { isAlive } from './fetch-area.ts'

const schema = z.object({
  v: z.literal(1),
  sha256: z.string().refine(isSha256),
  bytes: z.number().int().min(0),
  path: z.string().min(1),
  mtime_ms: z.number(),
})

/** The references of one store. Methods reject with errors of the file system. */
export interface References {
  read(video: VideoId): Promise<SourceReference | null>
  write(video: VideoId, source: SourceReference): Promise<void>
  forget(video: VideoId): Promise<void>
  list(): Promise<VideoId[]>
  /** Removes temporary files of processes that were killed. */
  tidy(): Promise<void>
}

/** Whether the file is still there with the size and mtime of the reference (to the millisecond: databases round). */
export async function isUnchanged(source: SourceReference): Promise<boolean> {
  const now = await stat(fsPath(source.path)).catch(() => null)
  return now?.isFile() === true && now.size === source.bytes && Math.trunc(now.mtimeMs) === Math.trunc(source.mtime_ms)
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
  return {
    read: async (video) => {
      const text = await readFile(pathOf(video), 'utf8').catch(() => null)
      if (text === null) return null
      const parsed = schema.safeParse(parseJson(text))
      if (!parsed.success) return null
      const { sha256, bytes, path, mtime_ms } = parsed.data
      return { sha256: asSha256(sha256), bytes, path, mtime_ms }
    },
    write: async (video, source) => {
      const { sha256, bytes, path, mtime_ms } = source
      const temporary = `${pathOf(video)}.${process.pid}.${writes++}`
      writing.add(temporary)
      try {
        await durableWrite(pathOf(video), JSON.stringify({ v: 1, sha256, bytes, path, mtime_ms }), { temporary })
      } finally {
        writing.delete(temporary)
      }
    },
    forget: (video) => rm(pathOf(video), { force: true }),
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
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
