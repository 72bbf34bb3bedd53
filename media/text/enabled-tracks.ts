/**
 * Switches off the subtitle tracks of a finished MP4 that have no default flag. ffmpeg's writer enables the first track of each kind where
 * none is to be, and players show an enabled one without being asked.
 */
import { open } from 'node:fs/promises'
import { children, need, readMoov } from '../mp4.ts'

/** The lowest flag of a track header: the track is enabled. */
const ENABLED = 1

/** `isDefault`: whether the nth subtitle track has the default flag. Rejects with `Mp4Broken`, or with the error of the file system. */
export async function switchOffText(path: string, isDefault: readonly boolean[]): Promise<void> {
  if (isDefault.every(Boolean)) return
  const handle = await open(path, 'r+')
  try {
    const { body: moov, start } = await readMoov(handle)
    const tracks = children(moov).filter(({ type, body }) => type === 'trak' && isSubtitle(body))
    for (const [at, { body }] of tracks.entries()) {
      if (isDefault[at]) continue
      const header = need(body, 'tkhd')
      // Version and flags are the first four bytes.
      header[3]! &= ~ENABLED
      await handle.write(header, 3, 1, start + header.byteOffset - moov.byteOffset + 3)
    }
  } finally {
    await handle.close()
  }
}

const isSubtitle = (trak: Buffer): boolean => need(trak, 'mdia/hdlr').toString('latin1', 8, 12) === 'sbtl'
