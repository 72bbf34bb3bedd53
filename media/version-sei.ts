/**
 * Takes libx264's own SEI, which names its build, out of an encoded chunk that keeps its other SEI: closed captions.
 *
 * No bitstream filter distinguishes SEI units. This one comes first in the file, so that nothing has to move: the first sample begins
 * behind it. The merge copies samples, and leaves the bytes between them behind.
 */
import { open } from 'node:fs/promises'
import { need, readMoov } from './mp4.ts'

/** SEI (type 6) with unregistered user data (5) under the identifier of x264. */
const UUID = Buffer.from('dc45e9bde6d948b7962cd820d923eeef', 'hex')
const LENGTH_BYTES = 4

/** Changes the file in place; one that does not begin with such a unit stays as it is. Rejects with `Mp4Broken`. */
export async function hideVersionSei(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    const { body: moov, start } = await readMoov(handle)
    const table = need(moov, 'trak/mdia/minf/stbl')
    const [sizes, offsets] = [need(table, 'stsz'), need(table, 'stco')]
    // A common size of all samples (one sample only) stands in another place than a list of sizes.
    const sizeAt = sizes.readUInt32BE(4) === 0 ? 12 : 4
    const [size, offset] = [sizes.readUInt32BE(sizeAt), offsets.readUInt32BE(8)]
    const head = Buffer.alloc(Math.min(size, 64))
    await handle.read(head, 0, head.length, offset)
    const unit = LENGTH_BYTES + head.readUInt32BE(0)
    if (!(head[4] === 6 && head[5] === 5 && head.includes(UUID) && unit < size)) return
    for (const [box, at, value] of [
      [sizes, sizeAt, size - unit],
      [offsets, 8, offset + unit],
    ] as const) {
      box.writeUInt32BE(value, at)
      await handle.write(box, at, 4, start + box.byteOffset - moov.byteOffset + at)
    }
  } finally {
    await handle.close()
  }
}
