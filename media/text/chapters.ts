/**
 * Chapters as MP4 holds them: in order, without gaps, none beyond the film. Pure; times are ms.
 *
 * MP4 ends a chapter where the next begins, and lets the first one begin at 0: untitled chapters fill a hole and a late beginning, so
 * that the others stay where they are.
 */
import type { ChapterFacts } from '../../protocol/media.ts'
import { withEnds } from './events.ts'

/** A chapter of the film, ms. */
export type Chapter = ChapterFacts & { readonly end: number }

/** The chapters of a film, fillers included, and how many of the source's have no place in it. */
export interface ChapterList {
  readonly chapters: readonly Chapter[]
  readonly left: number
}

/** Chapters that are kept: readers of MP4 take a bounded number. */
export const CHAPTERS_MAX = 1_000
/** Shorter holes, less than a picture, are closed. */
const HOLE_MS = 40
/** Bytes of a title: one of the two chapter lists of MP4 counts them in one byte. */
const TITLE_BYTES_MAX = 255

/**
 * Cuts chapters to `[0, end)`. Of chapters that lie in one another the inner ones remain: MP4 has one line of them. `isFilled`: whether a hole and a
 * late beginning get untitled ones.
 */
export function chaptersOf(
  source: readonly ChapterFacts[],
  end: number,
  { isFilled } = { isFilled: true },
): ChapterList {
  const known = withEnds(source, end)
    .map((chapter) => ({
      ...chapter,
      start: Math.max(0, chapter.start),
      end: Math.min(end, chapter.end),
      title: cleanTitle(chapter.title),
    }))
    .filter((chapter) => chapter.start < chapter.end)
    .sort((a, b) => a.start - b.start || b.end - a.end)
  const cut = known
    .map((chapter, at) => ({ ...chapter, end: Math.min(chapter.end, known[at + 1]?.start ?? end) }))
    .filter((chapter) => chapter.start < chapter.end)
    .slice(0, CHAPTERS_MAX)
  if (!isFilled) return { chapters: cut, left: source.length - cut.length }
  const chapters: Chapter[] = []
  for (const chapter of cut) {
    const from = chapters.at(-1)?.end ?? 0
    if (chapter.start - from >= HOLE_MS) chapters.push({ start: from, end: chapter.start, title: '' }, chapter)
    else if (chapters.length === 0) chapters.push({ ...chapter, start: 0 })
    else {
      chapters.push({ ...chapters.pop()!, end: chapter.start }, chapter)
    }
  }
  return { chapters, left: source.length - cut.length }
}

/** A title without control characters, cut between two characters. */
export function cleanTitle(title: string): string {
  const clean = title.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
  let [kept, bytes] = ['', 0]
  for (const char of clean) {
    bytes += Buffer.byteLength(char)
    if (bytes > TITLE_BYTES_MAX) break
    kept += char
  }
  return kept
}

/** Chapters in ffmpeg's metadata format. A chapter without a title has an empty one: without any, it would get no sample in the file. */
export function chaptersFile(chapters: ChapterList['chapters']): string {
  const escaped = (title: string) => title.replace(/[=;#\\]/g, '\\$&')
  const blocks = chapters.map(
    ({ start, end, title }) => `[CHAPTER]\nTIMEBASE=1/1000\nSTART=${start}\nEND=${end}\ntitle=${escaped(title)}\n`,
  )
  return `;FFMETADATA1\n${blocks.join('')}`
}
