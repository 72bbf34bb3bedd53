/**
 * Manifests as a node serves them: with names beside them. A package that was made with a URL prefix names its files at another server, where they
 * may not be yet.
 */
import { MANIFEST_BYTES_MAX } from '../../protocol/limits.ts'
import { type StreamFile, textFile } from './streams.ts'

/** Whether this file of a package names others of it. */
export const refersToFiles = (file: string): boolean => /\.(?:m3u8|mpd|vtt)$/.test(file)

/**
 * The text without the prefix of names, which stands at the beginning of a line, of an attribute, or of the text of an element. The address of a key
 * stays: it is no file of the package.
 */
export function withoutPrefix(text: string, prefix: string): string {
  const [plain, escaped] = [prefix, prefix.replaceAll('&', '&amp;')].map(
    (each) => new RegExp(`(?<=^|[">])${literal(each)}(?=\\w)`, 'g'),
  )
  const relative = (line: string) => line.replace(plain!, '').replace(escaped!, '')
  return text
    .split('\n')
    .map((line) => (line.startsWith('#EXT-X-KEY:') ? line : relative(line)))
    .join('\n')
}

/** The file without the prefix. Rejects as `readWhole` does, and where it is larger than any manifest. */
export async function relativeManifest(
  { prefix, mediaType }: { readonly prefix: string; readonly mediaType: string },
  pieces: AsyncIterable<Uint8Array>,
): Promise<StreamFile> {
  const read: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    size += piece.byteLength
    if (size > MANIFEST_BYTES_MAX) throw new RangeError(`a manifest of more than ${MANIFEST_BYTES_MAX} bytes`)
    read.push(piece)
  }
  return textFile(withoutPrefix(Buffer.concat(read).toString('utf8'), prefix), { mediaType, isFinal: true })
}

const literal = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
