/**
 * Detects a truncated MP4 or MOV: the lengths of its boxes show how long it should be, also where players can show the first part (with
 * `moov` first). Other kinds of files are not checked, nor bytes that cameras and taggers append after the last box.
 */
import { open } from 'node:fs/promises'
import { bytesPromised, topBoxes } from '../../media/boxes.ts'
import { fsPath } from '../../protocol/path-text.ts'

/** The size of a truncated file and the size that it should have at least, bytes; null where nothing is missing. */
export async function mp4BytesMissingFrom(path: string): Promise<{ bytes: number; ought: number } | null> {
  const file = await open(fsPath(path), 'r')
  try {
    const { size: bytes } = await file.stat()
    const boxes = await topBoxes(file, bytes)
    const ought = bytesPromised(boxes)
    return boxes[0]?.type === 'ftyp' && ought > bytes ? { bytes, ought } : null
  } finally {
    await file.close()
  }
}
