/**
 * Writes what a picture says of its HDR into the sample entry of an encoded chunk, as MP4 has it: `mdcv` and `clli`, ISO/IEC 14496-12, 12.1.6
 * and 12.1.8. Some builds of ffmpeg write these boxes and others do not; the merge copies them, and a package takes the entry over.
 */

import { open } from 'node:fs/promises'
import type { HdrData } from '../protocol/hdr.ts'
import { VISUAL_ENTRY_BYTES } from './boxes.ts'
import { changedBox, whole } from './change-box.ts'
import { children, Mp4Broken, readMoov } from './mp4.ts'
import { box, u16, u32 } from './package/box.ts'

/** Names of the boxes. */
export const HDR_BOXES = ['mdcv', 'clli']
const ENTRY_PATH = ['trak', 'mdia', 'minf', 'stbl', 'stsd']
/** Bytes of `stsd` before its entries. */
const STSD_BYTES = 8
/** Bytes of the header of `moov`. */
const HEADER_BYTES = 8

/** The boxes, in ffmpeg's order; none where nothing is said. */
export function hdrBoxes({ mastering, light }: HdrData): Buffer[] {
  const points = mastering && [mastering.green, mastering.blue, mastering.red, mastering.white].flat()
  return [
    ...(light ? [box('clli', u16(light.pixel), u16(light.frame))] : []),
    ...(mastering ? [box('mdcv', ...points!.map(u16), ...mastering.luminance.map(u32))] : []),
  ]
}

/** Changes the file, which must hold one picture track and end with its index, in place. Rejects with `Mp4Broken`. */
export async function writeHdrBoxes(path: string, hdr: HdrData): Promise<void> {
  const added = hdrBoxes(hdr)
  if (added.length === 0) return
  const handle = await open(path, 'r+')
  try {
    const { body, start } = await readMoov(handle)
    if (start + body.length !== (await handle.stat()).size) throw new Mp4Broken('the index is not at the end')
    const moov = box(
      'moov',
      changedBox(body, ENTRY_PATH, (stsd) => withBoxes(stsd, added)),
    )
    await handle.write(moov, 0, moov.length, start - HEADER_BYTES)
    await handle.truncate(start - HEADER_BYTES + moov.length)
  } finally {
    await handle.close()
  }
}

function withBoxes(stsd: Buffer, added: readonly Buffer[]): Buffer {
  const entries = children(stsd.subarray(STSD_BYTES)).map(({ type, body }) => {
    const kept = children(body.subarray(VISUAL_ENTRY_BYTES)).filter((each) => !HDR_BOXES.includes(each.type))
    return box(type, body.subarray(0, VISUAL_ENTRY_BYTES), ...kept.map(whole), ...added)
  })
  return Buffer.concat([stsd.subarray(0, STSD_BYTES), ...entries])
}
