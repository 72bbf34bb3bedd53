/** What a Matroska file says of the film beside its tracks: tags and chapters. Pure. */
import type { Metadata } from '../../protocol/plan.ts'
import { element, ID, string, uint } from './elements.ts'

/** Tags of MP4 that Matroska calls otherwise; others have the same name in capitals. */
const NAMES: Readonly<Record<string, string>> = { track: 'PART_NUMBER' }

/** The element Tags of a film; empty where there are none. The title is one of the file's facts, not of its tags. */
export function tagsOf({ tags, picture }: Metadata): Buffer {
  const simple = (name: string, text: string) =>
    element(ID.simpleTag, string(ID.tagName, name), string(ID.tagText, text))
  const film = Object.entries(tags)
    .filter(([key]) => key !== 'title')
    .map(([key, value]) => simple(NAMES[key] ?? key.toUpperCase(), value))
  const timecode = picture.timecode === null ? [] : [simple('TIMECODE', picture.timecode)]
  const all = [
    ...(film.length === 0 ? [] : [element(ID.tag, element(ID.targets), ...film)]),
    ...(timecode.length === 0 ? [] : [element(ID.tag, element(ID.targets, uint(ID.tagTrack, 1)), ...timecode)]),
  ]
  return all.length === 0 ? Buffer.alloc(0) : element(ID.tags, ...all)
}

/** A chapter of the film. */
export interface WrittenChapter {
  /** ms of the film. */
  readonly start: number
  /** ms of the film. */
  readonly end: number
  readonly title: string
}

/** The element Chapters of a film; empty where there are none. */
export function chapterElement(chapters: readonly WrittenChapter[]): Buffer {
  if (chapters.length === 0) return Buffer.alloc(0)
  const atoms = chapters.map(({ start, end, title }, at) => {
    const shown = element(ID.display, string(ID.chapterTitle, title), string(ID.chapterLanguage, 'und'))
    const times = [uint(ID.atomStart, start * 1e6), uint(ID.atomEnd, end * 1e6)]
    return element(ID.atom, uint(ID.chapterUid, at + 1), ...times, ...(title === '' ? [] : [shown]))
  })
  return element(ID.chapters, element(ID.edition, ...atoms))
}
