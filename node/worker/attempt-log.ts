/** Stores the log of a failed attempt for people. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from '../../protocol/blobs.ts'
import type { Sha256 } from '../../protocol/ids.ts'
import { LOG_BYTES_MAX } from '../../protocol/limits.ts'
import type { Task } from '../../protocol/task.ts'

/** The log of a failure as a blob; null where it cannot be stored: the failure is then recorded without it. */
export async function storeAttemptLog(store: BlobStore, task: Task, text: string): Promise<Sha256 | null> {
  const dir = await store.scratch('log').catch(() => null)
  if (dir === null) return null
  try {
    await writeFile(join(dir, 'log'), text.slice(-LOG_BYTES_MAX))
    return (await store.put(task.video_id, join(dir, 'log'))).sha256
  } catch {
    return null
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
