/**
 * The ids of the shared folders that this peer has seen, in its data folder. A folder that had a marker and has none is not mounted, or
 * another one: it gets no new marker, or the empty mount point would become a shared folder of its own.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { durableWrite } from '../../files/durable-write.ts'

/** The ids by absolute path. */
export interface KnownIds {
  get(path: string): Promise<string | null>
  /** Rejects with the error of the file system. */
  set(path: string, id: string): Promise<void>
}

/** The ids in this file; one that is missing or damaged counts as empty. */
export function createKnownIds(file: string): KnownIds {
  let known: Promise<Map<string, string>> | null = null
  const read = async () => {
    const text = await readFile(file, 'utf8').catch(() => '{}')
    const parsed = z.record(z.string(), z.string()).safeParse(parseJson(text))
    return new Map(Object.entries(parsed.success ? parsed.data : {}))
  }
  const all = () => {
    known ??= read()
    return known
  }
  return {
    get: async (path) => (await all()).get(path) ?? null,
    async set(path, id) {
      const ids = await all()
      if (ids.get(path) === id) return
      ids.set(path, id)
      await durableWrite(file, JSON.stringify(Object.fromEntries(ids)), { temporary: `${file}.new`, mode: 0o600 })
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
