/**
 * A source must be a regular, readable, non-empty file. Checked before ffmpeg opens it, because a FIFO or `/dev/zero` never
 * ends. The first bytes also show what a refused file is.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { SourceRefused } from '../protocol/errors.ts'
import { fsPath, shownPath } from '../protocol/path-text.ts'

/** The size of the file, bytes. Rejects with `SourceRefused`. */
export async function checkSource(path: string): Promise<number> {
  const name = quoted(path)
  const facts = await stat(fsPath(path)).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? 'there is no such file'
        : `it cannot be read (${error.code})`
    throw new SourceRefused(`${name}: ${why}.`, { cause: error })
  })
  if (facts.isDirectory()) throw new SourceRefused(`${name} is a folder, not a video file.`)
  if (!facts.isFile())
    throw new SourceRefused(`${name} is not a regular file (a pipe, socket or device): only files can be transcoded.`)
  if (facts.size === 0) throw new SourceRefused(`${name} is empty (0 bytes).`)
  const handle = await open(fsPath(path), 'r').catch((error: NodeJS.ErrnoException) => {
    throw new SourceRefused(`${name} cannot be read (${error.code}): check its permissions.`, { cause: error })
  })
  await handle.close()
  return facts.size
}

/** The path in quotes, with control characters and bytes that are not UTF-8 escaped. */
export const quoted = (path: string): string => shownPath(JSON.stringify(path))

export interface FirstBytes {
  /** Why this is no video, as the end of a sentence; null where the bytes do not show it. */
  readonly refused: string | null
  /** Whether it begins with a box of MP4 or QuickTime. */
  readonly isMp4: boolean
  /** Whether it begins as pictures do of which there may be several: GIF, PNG, JPEG. */
  readonly isPicture: boolean
}

/** Reads the first bytes of a file. Rejects with the error of the file system. */
export async function sniff(path: string): Promise<FirstBytes> {
  let handle: FileHandle | undefined
  try {
    handle = await open(fsPath(path), 'r')
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0)
    const head = buffer.subarray(0, bytesRead)
    return {
      refused: kindOf(head),
      isPicture: /^(\x89PNG|\xff\xd8\xff|GIF8)/.test(head.toString('latin1')),
      isMp4: /^(ftyp|moov|mdat|wide|free|skip|styp)$/.test(head.toString('latin1', 4, 8)),
    }
  } catch {
    return { refused: null, isMp4: false, isPicture: false }
  } finally {
    await handle?.close()
  }
}

/** What is read at once: the heads of many packets of a clip lie in it. */
const BLOCK_BYTES = 64 * 1024

/** Whether what lies at each of these positions (bytes, as many as `bytes` of each) `holds`, up to the first that does not. Rejects with the error of the file system. */
export async function everyHead(
  source: string,
  { position, bytes }: { readonly position: readonly number[]; readonly bytes: number },
  holds: (head: Buffer, number: number) => boolean,
): Promise<boolean> {
  const handle = await open(fsPath(source), 'r')
  const buffer = Buffer.alloc(Math.max(bytes, BLOCK_BYTES))
  let read = { from: 0, block: buffer.subarray(0, 0) }
  try {
    for (const [number, at] of position.entries()) {
      if (at < read.from || at + bytes > read.from + read.block.length) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
        read = { from: at, block: buffer.subarray(0, bytesRead) }
      }
      const head = read.block.subarray(at - read.from, at - read.from + bytes)
      if (!holds(head, number)) return false
    }
    return true
  } finally {
    await handle.close()
  }
}

const PLAYLIST = 'is a playlist or script that names other files, not a video'
/** Why a picture is refused: the end of a sentence. */
export const PICTURE = 'is a still picture, not a video'
const STARTS: readonly (readonly [string, string])[] = [
  ['#EXTM3U', PLAYLIST], ['ffconcat', PLAYLIST], ['<MPD', PLAYLIST], ['v=0', PLAYLIST], ['[playlist]', PLAYLIST],
  ['<smil', PLAYLIST], ['<asx', PLAYLIST], [';FFMETADATA', 'is a text file of metadata, not a video'],
  ['BM', PICTURE], ['II*\0', PICTURE], ['MM\0*', PICTURE],
  ['PK\x03\x04', 'is a zip archive, not a video'], ['%PDF', 'is a PDF, not a video'],
] // biome-ignore format: a table

const ANIMATED_WEBP = 'is an animated WebP, which ffmpeg does not decode: convert it to a GIF or a video first'
/** The extended header of WebP has a bit for animations. */
const isAnimatedWebp = (text: string): boolean => text.slice(12, 16) === 'VP8X' && (text.charCodeAt(20) & 2) !== 0

/** The kind of a file that is no video, by its beginning `head`; null where it is unknown. Pure. */
export function kindOf(head: Buffer): string | null {
  const text = head
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
  const start = STARTS.find(([magic]) => text.toLowerCase().startsWith(magic.toLowerCase()))
  if (start) return start[1]
  if (/^<\?xml[\s\S]*<(MPD|SmoothStreamingMedia|smil)\b/.test(text)) return PLAYLIST
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return isAnimatedWebp(text) ? ANIMATED_WEBP : PICTURE
  if (/^....ftyp(avif|avis|heic|heix|mif1|msf1)/s.test(head.toString('latin1'))) return PICTURE
  if (/^file\s+\S/.test(text)) return PLAYLIST
  return head.every((byte) => byte === 0) ? 'holds only zeros, not a video' : null
}
