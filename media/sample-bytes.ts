/** The bytes of samples in a file. */
import type { FileHandle } from 'node:fs/promises'
import { AttemptFailed } from '../protocol/errors.ts'
import type { Track } from './mp4.ts'

/** A range of a file. */
export interface Stretch {
  /** Position of its first byte, bytes. */
  readonly start: number
  /** Bytes. */
  readonly length: number
}

/** The samples `[from, to)` of a track, by their numbers, in decode order: those that lie behind one another as one range. */
export function* stretchesOf(
  { offsets, sizes }: Pick<Track, 'offsets' | 'sizes'>,
  from = 0,
  to = sizes.length,
): Generator<Stretch> {
  let [start, length] = [offsets[from] ?? 0, 0]
  for (let at = from; at < to; at++) {
    if (offsets[at] !== start + length) {
      yield { start, length }
      ;[start, length] = [offsets[at]!, 0]
    }
    length += sizes[at]!
  }
  yield { start, length }
}

const READ_BYTES = 1024 * 1024

/** Reads a range in parts, each of which `take` is done with when it answers. Rejects with `verify_failed` where the file ends before. */
export async function readStretch(
  handle: FileHandle,
  { start, length }: Stretch,
  take: (bytes: Buffer) => unknown,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, length))
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - done), start + done)
    if (bytesRead === 0) throw new AttemptFailed('verify_failed', 'the result is truncated')
    await take(buffer.subarray(0, bytesRead))
    done += bytesRead
  }
}
