/**
 * Whether an MP4 or MOV says that it is longer than it is: its boxes, one after the other, tell their own lengths, so that half a
 * file is known as such though a player shows it (where `moov` comes first). Of other kinds of files nothing is said, nor of what
 * cameras and taggers put behind the last box.
 */
import { open } from 'node:fs/promises'

/** `size`, `type`, and a 64 bit size where `size` is 1. */
const HEADER_BYTES = 16
/** ISO/IEC 14496-12 and QuickTime: what a file may hold at its top. */
const TYPES: ReadonlySet<string> = new Set(
  'ftyp moov mdat moof mfra free skip wide uuid meta udta sidx ssix styp emsg prft pdin pnot'.split(' '),
)
/** A file of very many small boxes is no half copy. */
const BOXES_MAX = 100_000

/** How many bytes it ought to have at least, or null where nothing is missing. */
export async function mp4BytesMissingFrom(path: string): Promise<{ bytes: number; ought: number } | null> {
  const file = await open(path, 'r')
  try {
    const { size: bytes } = await file.stat()
    const header = Buffer.alloc(HEADER_BYTES)
    let at = 0
    for (let box = 0; at < bytes && box < BOXES_MAX; box++) {
      const { bytesRead } = await file.read(header, 0, HEADER_BYTES, at)
      const type = header.toString('latin1', 4, 8)
      if (bytesRead < 8 || !TYPES.has(type) || (box === 0 && type !== 'ftyp')) return null
      const short = header.readUInt32BE(0)
      // To the end of the file, or nothing that a box may be.
      if (short === 0 || (short > 1 && short < 8)) return null
      if (short === 1 && bytesRead < HEADER_BYTES) return { bytes, ought: at + HEADER_BYTES }
      at += short === 1 ? Number(header.readBigUInt64BE(8)) : short
    }
    return at > bytes ? { bytes, ought: at } : null
  } finally {
    await file.close()
  }
}
