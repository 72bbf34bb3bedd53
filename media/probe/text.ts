/** Text of a hostile file: without control characters, well-formed, and bounded. Pure. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not get into a tag
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]+/g

/** The text with its line breaks. */
export const cleanText = (text: string): string =>
  text.replace(/\r\n?/g, '\n').replace(CONTROLS, ' ').toWellFormed().trim()

/** The text on one line of at most so many characters. */
export const lineOf = (text: string, charactersMax: number): string =>
  cutTo(cleanText(text).replace(/\s+/g, ' '), charactersMax)

/** The first characters of a text, without half of one. */
export const cutTo = (text: string, charactersMax: number): string =>
  text.slice(0, charactersMax).replace(/[\ud800-\udbff]$/, '')

/** How many of several names are listed. */
const LISTED_MAX = 5

/** `The tag a`, `The tags a, b and c`, `The tags a, b, c, d, e and 4 more`. */
export function namesOf(what: string, names: readonly string[]): string {
  const shown = names.slice(0, LISTED_MAX).map((name) => lineOf(name, 60))
  const more = names.length - shown.length
  const last = more > 0 ? `${more} more` : shown.pop()
  return shown.length === 0 ? `${what} ${last}` : `${what}s ${shown.join(', ')} and ${last}`
}
