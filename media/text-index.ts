/**
 * The index of a source with its text: both are read at the same time, so that a disk reads the file once.
 */
import type { SourceIndex, SubtitlePath } from '../protocol/media.ts'
import { findJumps } from './find-jumps.ts'
import type { PacketIndex } from './packet-index.ts'
import { type IndexJob, indexSource } from './reading.ts'
import type { Programs } from './run-ffmpeg.ts'
import { readSourceText, type SourceText } from './text/source-text.ts'

/** The packets of the picture, and the text. */
export interface TextIndex extends SourceIndex, PacketIndex {
  readonly text: SourceText
}

/** Reads all packets of the picture, and all text. Rejects as `indexSource` does: text fails no film. */
export async function indexWithText(
  programs: Programs,
  job: IndexJob & { readonly subtitles: readonly SubtitlePath[] },
): Promise<TextIndex> {
  const ended = new AbortController()
  const text = readSourceText(programs, { ...job, signal: AbortSignal.any([job.signal, ended.signal]) })
  text.catch(() => {})
  try {
    return { ...(await findJumps(programs, job, await indexSource(programs, job))), text: await text }
  } finally {
    // Stops what still runs where the picture is refused.
    ended.abort(new DOMException('this index has ended', 'AbortError'))
    await text.catch(() => {})
  }
}
