/**
 * Cuts of plain pictures (`plain-picture.ts`) without a process: the index says where each packet lies and when it is shown, and a fragment of MP4
 * describes H.264 as well as NUT, with exact times. A copy by ffmpeg, and its comparison with the index, take a third of a second. ISO/IEC 14496-12.
 */
import { createHash } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { identityAt } from '../files/file-hashes.ts'
import type { Cut, SourceIndex } from '../protocol/media.ts'
import { fsPath } from '../protocol/path-text.ts'
import { VISUAL_ENTRY_BYTES } from './boxes.ts'
import { type CutJob, rangeOf } from './copying.ts'
import { box } from './package/box.ts'
import { type FragmentSample, fragmentHead } from './package/fragment.ts'
import { initOf } from './package/init.ts'
import type { PacketIndex } from './packet-index.ts'
import { pictureEntry } from './plain-picture.ts'
import { stretchesOf } from './sample-bytes.ts'

/** A larger chunk is copied by ffmpeg, which holds none of it in memory. */
const CUT_BYTES_MAX = 64 * 1024 * 1024

/**
 * Cuts one chunk into `out`. Null where that needs ffmpeg: other pictures, a large chunk, or a source that may not be the one whose index this is.
 * Rejects with the error of the file system.
 */
export async function copyPlain(job: CutJob): Promise<Cut | null> {
  const { plan, chunk_id, source, out } = job
  const { plain, identity, packets } = job.index as PacketIndex & SourceIndex
  if (plan.cut_format !== 'nut' || typeof plain !== 'string' || identity == null || plan.time_base[0] !== 1) return null
  const { first, last } = rangeOf(job)
  const sizes = Uint32Array.from(packets.size.slice(first, last))
  if (sizes.reduce((sum, size) => sum + size, 0) > CUT_BYTES_MAX) return null
  const picture = await pictureEntry(source)
  if (picture === null || createHash('sha256').update(picture.record).digest('hex') !== plain) return null
  const samples = await readSamples(source, { offsets: Float64Array.from(packets.position.slice(first, last)), sizes })
  if (samples === null || (await identityAt(source)) !== identity) return null
  const shown = packets.pts.slice(first, last)
  const start = Math.min(...shown)
  const listed = shown.map((pts, at) => ({ time: pts - start, bytes: sizes[at]!, isKey: packets.key[first + at]! }))
  const delay = delayOf(listed)
  const end = Math.max(...listed.map(({ time }, at) => time + Math.max(1, packets.duration[first + at] || 0)))
  const entry = box(
    'avc1',
    picture.entry.subarray(0, VISUAL_ENTRY_BYTES),
    // Nothing beside it: what else the container says of its pictures, the plan says to the encoder.
    box('avcC', picture.record),
  )
  const { width, height } = plan.video
  const head = initOf({ kind: 'video', timescale: plan.time_base[1], language: '', width, height, entry, delay: 0 })
  await writeFile(fsPath(out), [head, fragmentHead({ samples: listed, end, delay, sequence: 1 }), samples])
  const { start_pts, end_pts } = plan.chunks[chunk_id]!
  const moved = (pts: number) => pts - start + delay
  return { path: out, start_pts: moved(start_pts), end_pts: moved(end_pts), time_base: plan.time_base }
}

/** Ticks that the most delayed sample is decoded before it is shown, where samples are decoded at the times of those shown, in order. */
function delayOf(samples: readonly FragmentSample[]): number {
  const decoded = samples.map(({ time }) => time).sort((a, b) => a - b)
  return Math.max(...samples.map(({ time }, at) => decoded[at]! - time))
}

/** The bytes of samples behind one another; null where the file ends before. */
async function readSamples(
  source: string,
  of: { readonly offsets: Float64Array; readonly sizes: Uint32Array },
): Promise<Buffer | null> {
  const buffer = Buffer.allocUnsafe(of.sizes.reduce((sum, size) => sum + size, 0))
  const handle = await open(fsPath(source), 'r')
  let done = 0
  try {
    for (const { start, length } of stretchesOf(of)) {
      const { bytesRead } = await handle.read(buffer, done, length, start)
      done += bytesRead
      if (bytesRead < length) return null
    }
  } finally {
    await handle.close()
  }
  return buffer
}
