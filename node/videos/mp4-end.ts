/**
 * Detects a truncated MP4 or MOV: the lengths of its boxes show how long it should be, also where players can show the first part (with
 * `moov` first). Other kinds of files are not checked, nor bytes that cameras and taggers append after the last box.
 */
import { open } from 'node:fs/promises'
import { fsPath } from '../../protocol/path-text.ts'

/** `size`, `type`, and a 64 bit size where `size` is 1. */
const HEADER_BYTES = 16
/** Types of top-level boxes: ISO/IEC 14496-12 and QuickTime. */
const TYPES: ReadonlySet<string> = new Set(
  'ftyp moov mdat moof mfra free skip wide uuid meta udta sidx ssix styp emsg prft pdin pnot'.split(' '),
)
/** Number of boxes after which the check ends: a truncated copy has few. */
const BOXES_MAX = 100_000

/** The size of a truncated file and the size that it should have at least, bytes; null where nothing is missing. */
export async function mp4BytesMissingFrom(path: string): Promise<{ bytes: number; ought: number } | null> {
  const file = await open(fsPath(path), 'r')
  try {
    const { size: bytes } = await file.stat()
    const header = Buffer.alloc(HEADER_BYTES)
    let at = 0
    for (let box = 0; at < bytes && box < BOXES_MAX; box++) {
      const { bytesRead } = await file.read(header, 0, HEADER_BYTES, at)
      const type = header.toString('latin1', 4, 8)
      if (bytesRead < 8 || !TYPES.has(type) || (box === 0 && type !== 'ftyp')) return null
      const short = header.readUInt32BE(0)
      // A box to the end of the file, or no valid box.
      if (short === 0 || (short > 1 && short < 8)) return null
      if (short === 1 && bytesRead < HEADER_BYTES) return { bytes, ought: at + HEADER_BYTES }
      at += short === 1 ? Number(header.readBigUInt64BE(8)) : short
    }
    return at > bytes ? { bytes, ought: at } : null
  } finally {
    await file.close()
  }
}
