/** The chapters of a source, as ffprobe lists them. Pure. */
import type { ChapterFacts } from '../../protocol/media.ts'
import { type Json, object, text } from './json.ts'

/** The chapters that have a beginning; ms. */
export function chapterFacts(chapters: readonly Json[]): ChapterFacts[] {
  return chapters.flatMap((chapter) => {
    const [start, end] = ['start_time', 'end_time'].map((name) => Number.parseFloat(text(chapter[name])) * 1000)
    if (!Number.isFinite(start)) return []
    return { start: start!, end: Number.isFinite(end) ? end! : null, title: text(object(chapter['tags'])['title']) }
  })
}
