/** Keeps what trials of ffmpeg have shown for the next start. */
import { durableWrite } from '../files/durable-write.ts'
import type { Rng } from '../protocol/clock.ts'

/** Writes a value as JSON, nothing where `file` is null. Never rejects: where it cannot be written, the next start makes the trials again. */
export async function keepJson(file: string | null, value: unknown, rng: Rng): Promise<void> {
  if (file === null) return
  await durableWrite(file, JSON.stringify(value), { temporary: `${file}.${rng.token()}` }).catch(() => {})
}
