/** Files of text subtitles that are submitted with a source: read whole, named by their bytes, and held for the ingest as blobs. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { durableWrite } from '../../files/durable-write.ts'
import { withScratch } from '../../files/with-scratch.ts'
import type { SubmitSubtitle } from '../../protocol/api.ts'
import type { BlobRef, BlobStore } from '../../protocol/blobs.ts'
import { refusedAt, SourceRefused } from '../../protocol/errors.ts'
import { asSha256, type VideoId } from '../../protocol/ids.ts'
import { SUBTITLE_BYTES_MAX } from '../../protocol/limits.ts'
import type { SubtitleFile } from '../../protocol/recipe.ts'
import { type OpenSource, unsettled } from '../../protocol/source.ts'

/** A subtitle and its bytes. */
export interface ReadSubtitle {
  readonly file: SubtitleFile
  readonly content: Uint8Array
}

/** A subtitle to read. `identity`: that of the file that is meant, where another one at the path is to be refused. */
export type WantedSubtitle = SubmitSubtitle & { readonly identity?: string | undefined }

/** Reads subtitles. Rejects as `Source`, with `SourceUnsettled` for another file than is meant, and with `SourceRefused` for one that is too large. */
export async function readSubtitles(
  wanted: readonly WantedSubtitle[],
  openSource: OpenSource,
  signal: AbortSignal,
): Promise<ReadSubtitle[]> {
  const read: ReadSubtitle[] = []
  for (const [at, each] of wanted.entries())
    read.push(await readSubtitle(each, openSource, signal).catch(refusedAt(`subtitles.${at}.path`)))
  return read
}

async function readSubtitle(
  { path, language, forced, hearing_impaired, ...meant }: WantedSubtitle,
  openSource: OpenSource,
  signal: AbortSignal,
): Promise<ReadSubtitle> {
  const source = openSource(path)
  const { bytes, identity } = await source.stat(signal)
  if (identity !== (meant.identity ?? identity)) throw unsettled(source)
  if (bytes > SUBTITLE_BYTES_MAX)
    throw new SourceRefused(
      `${path} has ${bytes} bytes, and a file of subtitles may have ${SUBTITLE_BYTES_MAX}; submit the film without it`,
    )
  const content = Buffer.concat(await copies(source.read({ from: 0, to: bytes, identity }, signal)))
  const sha256 = asSha256(createHash('sha256').update(content).digest('hex'))
  return { file: { name: source.name, language, forced, hearing_impaired, sha256, bytes }, content }
}

/** All pieces of a source: each is valid until the next one only. Rejects as the source does. */
export async function copies(pieces: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(Buffer.from(piece))
  return all
}

/** Puts small files into the store as blobs of the video. Rejects as the store does. */
export async function holdContents(
  files: readonly { readonly file: BlobRef; readonly content: Uint8Array }[],
  video: VideoId,
  store: Pick<BlobStore, 'scratch' | 'adopt'>,
): Promise<void> {
  if (files.length === 0) return
  await withScratch(store, 'small-files', async (folder) => {
    for (const { file, content } of files) {
      const path = join(folder, file.sha256)
      await durableWrite(path, content, { temporary: `${path}.new` })
      await store.adopt(video, path, file)
    }
  })
}
