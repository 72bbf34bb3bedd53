/** The looks of text (`StyleRun.face`) as the tags that WebVTT and SubRip share. Pure. */

const TAGS = ['b', 'i', 'u'] as const

const tagsOf = (face: number) => TAGS.filter((_, bit) => (face & (1 << bit)) !== 0)

/** The tags that begin these looks, and those that end them. `face`: bits. */
export const openTags = (face: number): string =>
  tagsOf(face)
    .map((tag) => `<${tag}>`)
    .join('')
/** See `openTags`. */
export const closeTags = (face: number): string =>
  tagsOf(face)
    .map((tag) => `</${tag}>`)
    .reverse()
    .join('')
